//! The load generator against small servers in threads: its counts are held against theirs.

#![expect(
    clippy::unwrap_used,
    reason = "what fails in a test's own setup may end the test"
)]

#[path = "load/server.rs"]
mod server;

use std::{
    net::SocketAddr,
    sync::{Condvar, Mutex},
    time::Duration,
};

use orthant_matrix::{
    load::{Answers, Load, Model, Plan, Slice},
    workload::Workload,
};
use server::{Reply, Server, answer, content, right};

const SHORT: Duration = Duration::from_millis(25);

fn plan(address: SocketAddr, workload: Workload) -> Plan {
    Plan {
        address,
        workload,
        answers: Answers::Arena,
        model: Model::Closed,
        connections: 6,
        seed: 5,
    }
}

fn load_once(plan: Plan) -> Slice {
    let mut load = Load::new().unwrap();
    let target = load.connect(plan).unwrap();
    load.slice(target, SHORT).unwrap()
}

fn assert_flawless(slice: &Slice) {
    assert_eq!(slice.first_wrong, None);
    assert_eq!((slice.wrong, slice.unanswered), (0, 0));
    assert!(slice.requests > 0);
    assert_eq!(slice.statuses, [(200, slice.requests)].into());
    assert_eq!(slice.latency_ns.len(), slice.requests);
    assert!(slice.elapsed_ns > 0 && slice.client_cpu_ns > 0);
}

#[test]
fn every_workload_counts_what_the_server_counts_over_several_slices_and_targets() {
    for workload in Workload::of_servers() {
        let servers = [(); 2].map(|()| Server::start(|asked| Reply::Bytes(right(asked))));
        let mut load = Load::new().unwrap();
        let targets = servers
            .each_ref()
            .map(|server| load.connect(plan(server.address, workload)).unwrap());
        let mut counted = [0, 0];
        for round in 0..6 {
            let slice = load.slice(targets[round % 2], SHORT).unwrap();
            assert_flawless(&slice);
            assert_eq!(slice.connections_open, 6);
            counted[round % 2] += slice.requests;
        }
        assert_eq!(
            counted,
            servers.each_ref().map(Server::requests),
            "{workload}"
        );
    }
}

#[test]
fn a_fixed_number_of_writes_is_what_every_connection_makes() {
    for workload in Workload::of_servers() {
        let server = Server::start(|asked| Reply::Bytes(right(asked)));
        let mut load = Load::new().unwrap();
        let target = load.connect(plan(server.address, workload)).unwrap();
        let each = [3, 7];
        let slices = each.map(|each| load.writes(target, each).unwrap());
        slices.iter().for_each(assert_flawless);
        let asked = each.map(|each| 6 * u64::from(each * workload.requests_per_write()));
        assert_eq!(slices.map(|slice| slice.requests), asked, "{workload}");
        assert_eq!(server.requests(), asked.iter().sum::<u64>());
        // Time ends the next one, as ever.
        assert_flawless(&load.slice(target, SHORT).unwrap());
    }
}

#[test]
fn where_writes_end_it_a_server_that_is_silent_is_not_waited_for() {
    let server = Server::start(|asked| match asked.number {
        ..20 => Reply::Bytes(right(asked)),
        _ => Reply::Silence,
    });
    let mut load = Load::new().unwrap();
    load.wait_for_answers(SHORT);
    let target = load
        .connect(plan(server.address, Workload::Baseline))
        .unwrap();
    // More than there are answers: no connection is through before the others have begun.
    let slice = load.writes(target, 20).unwrap();
    assert_eq!((slice.requests, slice.unanswered), (19, 6));
}

#[test]
fn bytes_are_counted_both_ways() {
    let server = Server::start(|_| Reply::Bytes(answer("ok")));
    let slice = load_once(plan(server.address, Workload::Pipelined));
    assert_flawless(&slice);
    let request = "GET /pipeline HTTP/1.1\r\nHost: orthant\r\n\r\n";
    assert_eq!(slice.sent_bytes, slice.requests * request.len() as u64);
    assert_eq!(
        slice.received_bytes,
        slice.requests * answer("ok").len() as u64
    );
}

#[test]
fn a_closed_loop_obeys_littles_law() {
    for workload in Workload::of_servers() {
        let server = Server::start(|asked| Reply::Bytes(right(asked)));
        let slice = load_once(plan(server.address, workload));
        assert_flawless(&slice);
        let per_ns = slice.requests as f64 / slice.elapsed_ns as f64;
        let expected = per_ns * slice.latency_ns.mean();
        let off = (expected / slice.in_flight_requests - 1.0).abs();
        assert!(
            off < 0.05,
            "{workload}: {expected} {}",
            slice.in_flight_requests
        );
        let most = f64::from(6 * workload.requests_per_write());
        assert!(slice.in_flight_requests <= most * 1.001);
    }
}

#[test]
fn a_floor_says_ok_to_everything() {
    let server = Server::start(|_| Reply::Bytes(answer("ok")));
    let floor = Plan {
        answers: Answers::Floor,
        ..plan(server.address, Workload::Mixed)
    };
    assert_flawless(&load_once(floor));
    let slice = load_once(plan(server.address, Workload::Mixed));
    let sentence = slice.first_wrong.unwrap();
    assert_eq!(sentence, "answer 2 of 16: expected content `55`, got `ok`");
}

#[test]
fn answers_that_trickle_in_are_right() {
    let server = Server::start(|asked| Reply::Trickle(right(asked)));
    for workload in [Workload::Baseline, Workload::Pipelined] {
        assert_flawless(&load_once(plan(server.address, workload)));
    }
}

#[test]
fn wrong_answers_are_counted_and_named_and_the_load_goes_on() {
    type Fault = fn(&str) -> Vec<u8>;
    let faults: [(Fault, &str); 4] = [
        (|_| answer("56"), "got `56`"),
        (|_| answer("5"), "got `5`"),
        (
            |_| b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".into(),
            "got 503",
        ),
        (
            |content| [&answer(content)[..], b"HTTP"].concat(),
            "expected nothing more",
        ),
    ];
    for (fault, sentence) in faults {
        let server = Server::start(move |asked| {
            Reply::Bytes(match asked.number % 10 {
                3 => fault(&content(asked)),
                _ => right(asked),
            })
        });
        let slice = load_once(plan(server.address, Workload::Baseline));
        assert_eq!(slice.wrong, (server.requests() + 7) / 10, "{sentence}");
        assert!(slice.wrong > 0 && slice.unanswered == 0, "{sentence}");
        let first = slice.first_wrong.unwrap();
        assert!(first.contains(sentence), "{first}");
    }
}

#[test]
fn statuses_are_counted_apart() {
    let server = Server::start(|asked| {
        Reply::Bytes(match asked.number % 10 {
            3 => b"HTTP/1.1 404 Gone\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
            _ => right(asked),
        })
    });
    let slice = load_once(plan(server.address, Workload::Pipelined));
    let expected = [(200, slice.requests), (404, (server.requests() + 7) / 10)];
    assert_eq!(slice.statuses, expected.into());
    assert_eq!(slice.requests + slice.wrong, server.requests());
}

#[test]
fn broken_framing_ends_the_connection_and_what_was_asked_on_it() {
    let server = Server::start(|asked| match asked.number % 100 {
        3 => Reply::Bytes(b"HTTP/1.1 two hundred\r\n\r\n".into()),
        _ => Reply::Bytes(right(asked)),
    });
    let slice = load_once(plan(server.address, Workload::Pipelined));
    let broken = (server.requests() + 97) / 100;
    assert_eq!(slice.wrong, broken);
    assert!(broken > 0 && slice.reconnects <= broken && slice.reconnects + 6 >= broken);
    assert_eq!(
        slice.requests + slice.wrong + slice.unanswered,
        server.requests()
    );
}

#[test]
fn a_server_that_closes_within_an_answer_leaves_it_unanswered() {
    let server = Server::start(|asked| match asked.number % 10 {
        3 => Reply::Last(right(asked)[..40].into()),
        _ => Reply::Bytes(right(asked)),
    });
    let slice = load_once(plan(server.address, Workload::Baseline));
    let cut = (server.requests() + 7) / 10;
    assert!(cut > 0);
    assert_eq!((slice.wrong, slice.unanswered), (0, cut));
    assert_eq!(slice.requests + slice.unanswered, server.requests());
    let first = slice.first_wrong.unwrap();
    assert!(
        first.contains("the server closed the connection"),
        "{first}"
    );
}

#[test]
fn an_end_that_arrives_together_with_bytes_is_noticed() {
    // While the first requests go out one after the other, the servers' threads cut their answers and close: many ends
    // are there before the first wait. A connection whose end went unnoticed would stay mute and be given up.
    let server = Server::start(|asked| match asked.connection {
        ..=64 => Reply::Last(right(asked)[..40].into()),
        _ => Reply::Bytes(right(asked)),
    });
    let mut load = Load::new().unwrap();
    let many = Plan {
        connections: 64,
        ..plan(server.address, Workload::Baseline)
    };
    let target = load.connect(many).unwrap();
    let slice = load.slice(target, Duration::from_millis(250)).unwrap();
    assert_eq!(
        (slice.wrong, slice.unanswered, slice.reconnects),
        (0, 64, 64)
    );
    assert_eq!(slice.connections_open, 64);
    assert!(slice.in_flight_requests < 64.1);
}

#[test]
fn silence_is_counted_and_the_next_slice_is_not_harmed() {
    let server = Server::start(|asked| match asked.number {
        3 => Reply::Silence,
        _ => Reply::Bytes(right(asked)),
    });
    let mut load = Load::new().unwrap();
    load.wait_for_answers(Duration::from_secs(1));
    let target = load.connect(plan(server.address, Workload::Json)).unwrap();
    let slice = load.slice(target, SHORT).unwrap();
    assert_eq!((slice.wrong, slice.unanswered), (0, 1));
    assert_eq!(slice.connections_open, 5);
    let slice = load.slice(target, SHORT).unwrap();
    assert_flawless(&slice);
    assert_eq!((slice.connections_open, slice.reconnects), (6, 1));
}

#[test]
fn limited_connections_carry_ten_requests_each() {
    let server = Server::start(|asked| Reply::Bytes(right(asked)));
    let mut load = Load::new().unwrap();
    let target = load
        .connect(plan(server.address, Workload::LimitedConn))
        .unwrap();
    let mut reconnects = 0;
    while server.connections() <= 12 {
        let slice = load.slice(target, SHORT).unwrap();
        assert_flawless(&slice);
        reconnects += slice.reconnects;
    }
    // Each of the six connections that are open now carries 1 to 10 requests, each of those before them has carried 10.
    let (connections, requests) = (server.connections(), server.requests());
    assert_eq!(connections, 6 + reconnects);
    assert!((connections - 6) * 10 + 6 <= requests && requests <= connections * 10);
}

#[test]
fn an_open_loop_offers_its_rate_whatever_the_server_does() {
    let server = Server::start(|asked| Reply::Bytes(right(asked)));
    for (workload, per_write) in [(Workload::Baseline, 1.0), (Workload::Pipelined, 16.0)] {
        let open = Plan {
            model: Model::Open {
                requests_per_s: 20_000.0 * per_write,
            },
            ..plan(server.address, workload)
        };
        let mut load = Load::new().unwrap();
        let target = load.connect(open).unwrap();
        let slice = load.slice(target, Duration::from_millis(100)).unwrap();
        assert_flawless(&slice);
        // 2,000 writes, give or take four standard deviations of a Poisson count.
        let writes = slice.requests as f64 / per_write;
        assert!((writes - 2000.0).abs() < 4.0 * 45.0, "{writes}");
        let service_ns = slice.service_ns.unwrap();
        assert_eq!(service_ns.len(), slice.requests);
        assert!(service_ns.mean() <= slice.latency_ns.mean());
    }
}

#[test]
fn an_open_loop_counts_the_time_that_a_stalled_connection_makes_others_wait() {
    // The first request of one connection is held until another has been answered 60 times: about 60 arrivals wait.
    let (others, more) = (Mutex::new(0), Condvar::new());
    let server = Server::start(move |asked| {
        let mut answered = others.lock().unwrap();
        if asked.connection == 1 {
            drop(
                more.wait_while(answered, |answered| *answered < 60)
                    .unwrap(),
            );
        } else {
            *answered += 1;
            more.notify_all();
        }
        Reply::Bytes(right(asked))
    });
    let open = Plan {
        model: Model::Open {
            requests_per_s: 2000.0,
        },
        connections: 2,
        ..plan(server.address, Workload::Baseline)
    };
    let mut load = Load::new().unwrap();
    let target = load.connect(open).unwrap();
    let slice = load.slice(target, Duration::from_millis(100)).unwrap();
    assert_flawless(&slice);
    let service_ns = slice.service_ns.unwrap();
    assert!(slice.latency_ns.mean() > 1.2 * service_ns.mean());
}

#[test]
fn sends_later_than_intended_are_the_clients_fault_and_counted() {
    // 10 million arrivals a second on 1,500 idle connections: no client sends that fast. Nobody needs to accept.
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(4096).unwrap();
    let open = Plan {
        model: Model::Open {
            requests_per_s: 1e7,
        },
        connections: 1500,
        ..plan(
            listener.local_addr().unwrap().as_socket().unwrap(),
            Workload::Baseline,
        )
    };
    let mut load = Load::new().unwrap();
    load.wait_for_answers(Duration::ZERO);
    let target = load.connect(open).unwrap();
    for _ in 0..2 {
        let slice = load.slice(target, Duration::from_millis(1)).unwrap();
        assert!(slice.late_sends > 0);
        assert_eq!((slice.requests, slice.connections_open), (0, 0));
        assert!((slice.unanswered as f64 - 10_000.0).abs() < 400.0);
    }
}

#[test]
fn a_server_that_is_not_there_is_an_error_that_says_what_to_do() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let error = Load::new()
        .unwrap()
        .connect(plan(address, Workload::Baseline))
        .unwrap_err();
    let sentence = format!("{error:#}");
    assert!(sentence.contains("failed to open more than 0 of 6 connections"));
    assert!(
        sentence.contains("look at what it printed last"),
        "{sentence}"
    );
}

#[test]
fn a_server_that_ends_under_load_is_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut load = Load::new().unwrap();
    let target = load
        .connect(plan(listener.local_addr().unwrap(), Workload::Json))
        .unwrap();
    drop(listener);
    let sentence = format!("{:#}", load.slice(target, SHORT).unwrap_err());
    assert!(
        sentence.contains("with json") && sentence.contains("nobody listens"),
        "{sentence}"
    );
}

#[test]
fn a_closed_target_is_refused() {
    let server = Server::start(|asked| Reply::Bytes(right(asked)));
    let mut load = Load::new().unwrap();
    let target = load.connect(plan(server.address, Workload::Json)).unwrap();
    load.close(target);
    let sentence = load.slice(target, SHORT).unwrap_err().to_string();
    assert!(sentence.contains("closed target"), "{sentence}");
}
