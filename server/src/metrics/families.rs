//! Every metric family, in the order of the text.

use orthant_core::{CloseReason, Count, Counters, Fault, Timeout};

use crate::access::Queue;

use super::{Family, Kind, Samples, View, process};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "orthant_design",
        kind: Kind::Info,
        unit: None,
        help: "What was built: one value on each axis, and from what.",
        sample: |view, samples| {
            let design = view.design;
            let labels = [
                ("name", &design.name()[..]),
                ("backend", design.backend),
                ("buffers", design.buffers),
                ("allocator", design.allocator),
                ("policy", design.policy),
                ("version", design.version),
                ("revision", design.revision),
                ("rustc", design.rustc),
            ];
            samples.add(&labels, 1);
        },
    },
    Family {
        name: "orthant_start_time_seconds",
        kind: Kind::Gauge,
        unit: Some("seconds"),
        help: "When the server started, in seconds since 1970.",
        sample: |view, samples| samples.add(&[], format_args!("{:.3}", view.watch.started_s)),
    },
    Family {
        name: "orthant_stopping",
        kind: Kind::Gauge,
        unit: None,
        help: "1 while the server finishes what is under way and takes nobody new, else 0.",
        sample: |view, samples| samples.add(&[], u8::from(view.watch.is_stopping())),
    },
    Family {
        name: "orthant_connections",
        kind: Kind::Gauge,
        unit: None,
        help: "Connections that are open.",
        sample: |view, samples| by_worker(view, samples, Counters::open),
    },
    Family {
        name: "orthant_connections_max",
        kind: Kind::Gauge,
        unit: None,
        help: "Connections that a worker opens at most.",
        sample: |view, samples| samples.add(&[], view.watch.connections_max),
    },
    Family {
        name: "orthant_connections_opened",
        kind: Kind::Counter,
        unit: None,
        help: "Connections that were opened.",
        sample: |view, samples| by_worker(view, samples, |counters| counters.opened.get()),
    },
    Family {
        name: "orthant_connections_turned_away",
        kind: Kind::Counter,
        unit: None,
        help: "Connections that were closed at once, since the server was stopping.",
        sample: |view, samples| by_worker(view, samples, |counters| counters.turned_away.get()),
    },
    Family {
        name: "orthant_accept_rests",
        kind: Kind::Counter,
        unit: None,
        help: "Times that accepting rested, since the kernel had no descriptor or no memory for a connection.",
        sample: |view, samples| by_worker(view, samples, |counters| counters.accept_rests.get()),
    },
    Family {
        name: "orthant_connections_closed",
        kind: Kind::Counter,
        unit: None,
        help: "Connections that ended, by the reason for it.",
        sample: |view, samples| {
            by_label(
                view,
                samples,
                "reason",
                &CloseReason::NAMES,
                |counters, index| &counters.closes[index],
            );
        },
    },
    Family {
        name: "orthant_requests",
        kind: Kind::Counter,
        unit: None,
        help: "Requests that were answered, by the class of the status; refusals are among them.",
        sample: |view, samples| {
            by_label(
                view,
                samples,
                "class",
                &["2xx", "3xx", "4xx", "5xx"],
                |counters, index| &counters.requests[index + 2],
            );
        },
    },
    Family {
        name: "orthant_refusals",
        kind: Kind::Counter,
        unit: None,
        help: "Requests that no application answered, since they broke a rule or a limit, by the fault.",
        sample: |view, samples| {
            by_label(
                view,
                samples,
                "fault",
                &Fault::ALL.map(Fault::name),
                |counters, index| &counters.refusals[index],
            );
        },
    },
    Family {
        name: "orthant_continues",
        kind: Kind::Counter,
        unit: None,
        help: "Answers of 100 (Continue), which come before a request's own answer.",
        sample: |view, samples| by_worker(view, samples, |counters| counters.continues.get()),
    },
    Family {
        name: "orthant_timeouts",
        kind: Kind::Counter,
        unit: None,
        help: "Times that ran out, by what was waited for.",
        sample: |view, samples| {
            by_label(
                view,
                samples,
                "kind",
                &Timeout::ALL.map(Timeout::name),
                |counters, index| &counters.timeouts[index],
            );
        },
    },
    Family {
        name: "orthant_region_waits",
        kind: Kind::Counter,
        unit: None,
        help: "Times that a request had to wait for memory of its worker's pool; kind=\"region\" of timeouts waited in vain.",
        sample: |view, samples| by_worker(view, samples, |counters| counters.region_waits.get()),
    },
    Family {
        name: "orthant_received_bytes",
        kind: Kind::Counter,
        unit: Some("bytes"),
        help: "Bytes that came from clients.",
        sample: |view, samples| by_worker(view, samples, |counters| counters.bytes_received.get()),
    },
    Family {
        name: "orthant_sent_bytes",
        kind: Kind::Counter,
        unit: Some("bytes"),
        help: "Bytes that were sent to clients.",
        sample: |view, samples| by_worker(view, samples, |counters| counters.bytes_sent.get()),
    },
    Family {
        name: "orthant_access_log_records",
        kind: Kind::Counter,
        unit: None,
        help: "Requests that were handed to the access log; nothing without --access-log, like the next two.",
        sample: |view, samples| by_queue(view, samples, |queue| queue.records.get()),
    },
    Family {
        name: "orthant_access_log_dropped",
        kind: Kind::Counter,
        unit: None,
        help: "Requests that are missing in the access log, since it was written too slowly.",
        sample: |view, samples| by_queue(view, samples, |queue| queue.dropped.get()),
    },
    Family {
        name: "orthant_access_log_lost_lines",
        kind: Kind::Counter,
        unit: Some("lines"),
        help: "Lines that are missing in the access log, since writing them failed.",
        sample: |view, samples| known(samples, view.watch.access().map(|log| log.lost.get())),
    },
    Family {
        name: "process_cpu_seconds",
        kind: Kind::Counter,
        unit: Some("seconds"),
        help: "CPU time of the process, by itself and by the kernel for it.",
        sample: |_, samples| samples.add(&[], format_args!("{:.6}", process::cpu_s())),
    },
    Family {
        name: "process_resident_memory_bytes",
        kind: Kind::Gauge,
        unit: Some("bytes"),
        help: "Memory of the process that is resident.",
        sample: |_, samples| known(samples, process::resident_bytes()),
    },
    Family {
        name: "orthant_allocator_live_bytes",
        kind: Kind::Gauge,
        unit: Some("bytes"),
        help: "Bytes that the allocator has handed out, as it counts them; nothing where it does not, like the next two.",
        sample: |view, samples| known(samples, view.allocator.live_bytes),
    },
    Family {
        name: "orthant_allocator_held_bytes",
        kind: Kind::Gauge,
        unit: Some("bytes"),
        help: "Bytes that the allocator has taken of the kernel and not given back.",
        sample: |view, samples| known(samples, view.allocator.held_bytes),
    },
    Family {
        name: "orthant_allocator_mapped_bytes",
        kind: Kind::Gauge,
        unit: Some("bytes"),
        help: "Bytes among these that lie in mappings of their own, outside of the heap and of arenas.",
        sample: |view, samples| known(samples, view.allocator.mapped_bytes),
    },
    Family {
        name: "process_open_fds",
        kind: Kind::Gauge,
        unit: None,
        help: "Descriptors of the process that are open.",
        sample: |_, samples| known(samples, process::descriptors()),
    },
    Family {
        name: "process_max_fds",
        kind: Kind::Gauge,
        unit: None,
        help: "Descriptors that the process may have open.",
        sample: |_, samples| known(samples, process::descriptors_max()),
    },
];

/// One sample for each worker.
fn by_worker(view: &View<'_>, samples: &mut Samples<'_>, count: fn(&Counters) -> u64) {
    for (worker, counters) in view.watch.counters().iter().enumerate() {
        samples.add(&[("worker", &worker.to_string())], count(counters));
    }
}

/// One sample for each worker and each of these names, which stand in the order of their counts.
fn by_label(
    view: &View<'_>,
    samples: &mut Samples<'_>,
    label: &str,
    names: &[&str],
    count: fn(&Counters, usize) -> &Count,
) {
    for (worker, counters) in view.watch.counters().iter().enumerate() {
        let worker = worker.to_string();
        for (index, name) in names.iter().enumerate() {
            let labels = [("worker", &worker[..]), (label, name)];
            samples.add(&labels, count(counters, index).get());
        }
    }
}

/// One sample for each worker's queue of the access log.
fn by_queue(view: &View<'_>, samples: &mut Samples<'_>, count: fn(&Queue) -> u64) {
    let queues = view.watch.access().into_iter().flat_map(|log| &log.queues);
    for (worker, queue) in queues.enumerate() {
        samples.add(&[("worker", &worker.to_string())], count(queue));
    }
}

/// A sample, where the machine tells what it is.
fn known(samples: &mut Samples<'_>, value: Option<u64>) {
    if let Some(value) = value {
        samples.add(&[], value);
    }
}
