//! How a backend accepts: from listeners of several families, all of them alike, only while its worker wants more, and to
//! the end when it stops. The same for every backend, whose tests each include this file; it belongs to no package.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{self as unix, UnixListener, UnixStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use orthant_core::{
    Answer, Buffers, Handler, Id, Limits, MediaType, Now, Outcome, Request, Split, Status, Worker,
};

use super::backend::{Tuning, run};

/// What is over within this time without hurry.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a handler has seen, in its order.
#[derive(Clone, Default)]
struct Seen {
    peers: Arc<Mutex<Vec<Option<SocketAddr>>>>,
    paths: Arc<Mutex<Vec<String>>>,
}

/// Answers with the path, and asks for peers or not.
struct Echo<const PEERS: bool>(Seen);

impl<const PEERS: bool> Handler for Echo<PEERS> {
    type Exchange = ();

    const PEERS: bool = PEERS;

    fn on_open(&mut self, _: Id, peer: Option<SocketAddr>) {
        self.0.peers.lock().unwrap().push(peer);
    }

    fn on_request(
        &mut self,
        request: &Request<'_>,
        _: &mut (),
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        let path = request.head.path();
        let text = String::from_utf8_lossy(path).into_owned();
        self.0.paths.lock().unwrap().push(text);
        answer.send(Status::OK, &MediaType::TEXT, path)
    }
}

/// Where somebody listens.
#[derive(Clone)]
enum Address {
    Ip(SocketAddr),
    Unix(unix::SocketAddr),
}

impl Address {
    /// A socket of any family serves as one of IP for all that is done with it here.
    fn connect(&self) -> TcpStream {
        let socket: OwnedFd = match self {
            Address::Ip(address) => TcpStream::connect(address).unwrap().into(),
            Address::Unix(address) => UnixStream::connect_addr(address).unwrap().into(),
        };
        let client = TcpStream::from(socket);
        client.set_read_timeout(Some(TIMEOUT)).unwrap();
        client
    }

    /// A client that has asked for a path.
    fn ask(&self, path: &str, fields: &str) -> TcpStream {
        let mut client = self.connect();
        ask(&mut client, path, fields);
        client
    }
}

const CLOSE: &str = "Connection: close\r\n";

fn ask(client: &mut TcpStream, path: &str, fields: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    client.write_all(request.as_bytes()).unwrap();
}

/// Waits for the answer that a client with this path gets.
fn answered(client: &mut TcpStream, path: &str) {
    let (mut answer, mut piece) = (Vec::new(), [0; 512]);
    while !answer.ends_with(format!("\r\n\r\n{path}").as_bytes()) {
        let received = client.read(&mut piece).unwrap();
        let text = String::from_utf8_lossy(&answer);
        assert!(received > 0, "{path} was given up after {text:?}");
        answer.extend_from_slice(&piece[..received]);
    }
}

/// Whether nothing has come to a client, nor its end.
fn waits(client: &mut TcpStream) -> bool {
    client.set_nonblocking(true).unwrap();
    let nothing = client.read(&mut [0]).unwrap_err();
    client.set_nonblocking(false).unwrap();
    nothing.kind() == ErrorKind::WouldBlock
}

fn tcp(host: &str) -> (Address, OwnedFd) {
    let listener = TcpListener::bind((host, 0)).unwrap();
    (Address::Ip(listener.local_addr().unwrap()), listener.into())
}

fn unix() -> (Address, OwnedFd) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("orthant-accepting-{}-{count}", std::process::id());
    let address = unix::SocketAddr::from_abstract_name(name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    (Address::Unix(address), listener.into())
}

fn every_family() -> (Vec<Address>, Vec<OwnedFd>) {
    [tcp("127.0.0.1"), tcp("::1"), unix()].into_iter().unzip()
}

/// A worker on a thread of its own.
struct Running {
    seen: Seen,
    stop: UnixStream,
    ended: Receiver<io::Result<()>>,
}

impl Running {
    fn start<const PEERS: bool>(listeners: Vec<OwnedFd>, connections_max: usize) -> Running {
        let (stop, stopped) = UnixStream::pair().unwrap();
        Running::start_until::<PEERS>(listeners, connections_max, stop, stopped)
    }

    fn start_until<const PEERS: bool>(
        listeners: Vec<OwnedFd>,
        connections_max: usize,
        stop: UnixStream,
        stopped: UnixStream,
    ) -> Running {
        let (end, ended) = channel();
        let seen = Seen::default();
        let handler = Echo::<PEERS>(seen.clone());
        thread::spawn(move || {
            let start = Instant::now();
            let now = move || Now {
                monotonic_ms: start.elapsed().as_millis() as u64,
                unix_s: 0,
            };
            let limits = Limits {
                connections_max,
                ..Limits::DEFAULT
            };
            let worker = Worker::<_, Split>::new(handler, limits, now());
            let mut tuning = Tuning::default();
            // A ring with little room for completions, where that can be said.
            let _ = tuning.set("ring-entries", 8);
            end.send(run(worker, listeners, stopped.as_fd(), now, || {}, &tuning))
        });
        Running { seen, stop, ended }
    }

    fn stop(self) -> Seen {
        drop(self.stop);
        self.ended.recv_timeout(TIMEOUT).expect("it ends").unwrap();
        self.seen
    }
}

#[test]
fn clients_of_every_family_are_served_and_known_by_their_addresses() {
    fn peers_of<const PEERS: bool>() -> (Vec<Option<SocketAddr>>, Vec<Option<SocketAddr>>) {
        let (addresses, listeners) = every_family();
        let running = Running::start::<PEERS>(listeners, 100);
        let mut clients = Vec::new();
        for address in addresses.iter().chain(&addresses) {
            let mut client = address.ask("/first", "");
            answered(&mut client, "/first");
            ask(&mut client, "/second", "");
            answered(&mut client, "/second");
            clients.push(client);
        }
        let of_ip = |client: &TcpStream| client.local_addr().ok();
        let known = clients.iter().map(of_ip).collect();
        drop(clients);
        let seen = running.stop();
        let peers = seen.peers.lock().unwrap().clone();
        (known, peers)
    }

    let (known, peers) = peers_of::<true>();
    assert_eq!(
        known.iter().flatten().count(),
        4,
        "the others are no sockets of IP"
    );
    assert_eq!(peers, known);
    let (_, peers) = peers_of::<false>();
    assert_eq!(peers, [None; 6], "nobody has asked for them");
}

#[test]
fn whoever_has_connected_is_served_before_stopping_at_every_listener() {
    fn serve<const PEERS: bool>() {
        let (addresses, listeners) = every_family();
        let asked = |count| {
            let ask = |address: &Address| address.ask(&format!("/{count}"), "");
            addresses.iter().map(ask).collect::<Vec<_>>()
        };
        let clients: Vec<_> = (0..60).map(asked).collect();
        // It has been told to stop before it begins.
        let (stop, stopped) = UnixStream::pair().unwrap();
        stop.shutdown(std::net::Shutdown::Write).unwrap();
        let running = Running::start_until::<PEERS>(listeners, 200, stop, stopped);
        let mut known = Vec::new();
        for (count, clients) in clients.into_iter().enumerate() {
            for mut client in clients {
                answered(&mut client, &format!("/{count}"));
                known.push(client.local_addr().ok().filter(|_| PEERS));
            }
        }
        let seen = running.stop();
        let mut peers = seen.peers.lock().unwrap().clone();
        known.sort();
        peers.sort();
        assert_eq!(peers, known);
    }
    serve::<true>();
    serve::<false>();
}

#[test]
fn who_comes_beyond_the_limit_waits_until_others_have_gone() {
    let (addresses, listeners) = every_family();
    let running = Running::start::<false>(listeners, 10);
    let mut open: Vec<_> = (0..10).map(|_| addresses[0].ask("/open", "")).collect();
    for client in &mut open {
        answered(client, "/open");
    }
    let late = |address: &Address| address.ask("/late", "");
    let mut late: Vec<_> = addresses[1..].iter().map(late).collect();
    let mut nobody_comes_in = |open: &mut [TcpStream]| {
        for client in open {
            ask(client, "/still", "");
            answered(client, "/still");
        }
        assert!(late.iter_mut().all(waits));
    };
    let leave = |client: Option<TcpStream>| {
        let mut client = client.unwrap();
        ask(&mut client, "/bye", CLOSE);
        client.read_to_end(&mut Vec::new()).unwrap();
    };
    nobody_comes_in(&mut open);
    leave(open.pop());
    nobody_comes_in(&mut open);
    // Now four fifths are left.
    leave(open.pop());
    for client in &mut late {
        answered(client, "/late");
    }
    drop((open, late));
    running.stop();
}

/// More come at one time than there is room for, so the limit is met again and again.
#[test]
fn nobody_is_given_up_at_the_limit() {
    fn storm<const PEERS: bool>(connections_max: usize) {
        let (addresses, listeners) = every_family();
        let running = Running::start::<PEERS>(listeners, connections_max);
        for fields in [CLOSE, "", CLOSE, ""] {
            let clients = addresses.iter().cycle().take(150);
            let clients: Vec<_> = clients.map(|address| address.ask("/", fields)).collect();
            thread::scope(|scope| {
                for mut client in clients {
                    scope.spawn(move || answered(&mut client, "/"));
                }
            });
        }
        let seen = running.stop();
        assert_eq!(seen.paths.lock().unwrap().len(), 600);
    }
    for connections_max in [1, 7, 60] {
        storm::<false>(connections_max);
    }
    storm::<true>(7);
}

#[test]
fn no_listener_starves_another_though_there_is_room_for_one() {
    let (addresses, listeners) = every_family();
    let crowd: Vec<_> = (0..100)
        .map(|_| addresses[0].ask("/crowd", CLOSE))
        .collect();
    let others: Vec<_> = addresses[1..]
        .iter()
        .map(|other| other.ask("/other", CLOSE))
        .collect();
    let running = Running::start::<false>(listeners, 1);
    for mut client in others {
        answered(&mut client, "/other");
    }
    for mut client in crowd {
        answered(&mut client, "/crowd");
    }
    let seen = running.stop();
    let paths = seen.paths.lock().unwrap();
    let last = paths.iter().rposition(|path| path == "/other").unwrap();
    assert!(last < 10, "the {last}th: {paths:?}");
}
