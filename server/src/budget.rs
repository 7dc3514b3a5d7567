//! What `--budget` prints: the most memory that clients can make this server take, by what it is for.

use std::collections::BTreeMap;
use std::fmt::Write;

use orthant::{Design, Handler, Options};

/// One use of memory: its name for programs, what it is, and bytes for each worker.
type Row = (&'static str, &'static str, usize);

/// What each worker can be made to take.
fn rows<H: Handler>(options: &Options) -> [Row; 8] {
    let (limits, needs) = (&options.limits, options.tuning.needs());
    let budget = orthant::budget::<H>(options);
    let sockets = limits.connections_max * needs.connection_bytes;
    [
        (
            "own",
            "its own: what it receives into, and events",
            needs.own_bytes,
        ),
        (
            "rings",
            "rings and their tables, in the kernel",
            needs.locked_bytes,
        ),
        (
            "connections",
            "connections, timers and queues",
            budget.connections,
        ),
        ("sockets", "sockets and tasks of the backend", sockets),
        ("regions", "regions with answers to send", budget.regions),
        ("received", "received and not used yet", budget.received),
        ("growth", "copies while something grows", budget.growth),
        (
            "access-log",
            "the access log's queue and addresses",
            orthant::log_bytes_max(options),
        ),
    ]
}

/// For programs: bytes of a worker.
pub(crate) fn json<H: Handler>(options: &Options) -> BTreeMap<&'static str, usize> {
    let rows = rows::<H>(options);
    let total = rows.iter().map(|(_, _, bytes)| bytes).sum();
    let named = rows.map(|(name, _, bytes)| (name, bytes));
    named.into_iter().chain([("total", total)]).collect()
}

/// For people: bytes of each worker, and of all.
pub(crate) fn table<H: Handler>(options: &Options, workers: usize) -> String {
    let connections = options.limits.connections_max;
    let rows = rows::<H>(options);
    let worker: usize = rows.iter().map(|(_, _, bytes)| bytes).sum();
    let noun = if workers == 1 { "worker" } else { "workers" };
    let mut text = format!(
        "The most memory that clients can make {} take, in bytes:\n\n",
        Design::of_this_build().name()
    );
    let mut line = |what: &str, bytes: usize| {
        let _ = writeln!(text, "  {what:<44} {:>15}", grouped(bytes as u64));
    };
    for (_, what, bytes) in rows {
        line(what, bytes);
    }
    line(&format!("a worker, with {connections} connections"), worker);
    let admin = orthant::admin_bytes_max(options, workers);
    line("the admin address", admin);
    line(
        &format!("{workers} {noun} and that"),
        workers * worker + admin,
    );
    text.push_str(&beside());
    text
}

/// What is not counted, as far as the kernel says it.
fn beside() -> String {
    let kernel = |name: &str| {
        let text = std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).ok()?;
        text.split_whitespace().last()?.parse::<u64>().ok()
    };
    let mut text = "\nNot counted: what the application keeps, the allocator's rounding, and the kernel's sockets".to_owned();
    if let (Some(receive), Some(send), Some(pages)) =
        (kernel("tcp_rmem"), kernel("tcp_wmem"), kernel("tcp_mem"))
    {
        let _ = write!(
            text,
            ":\nat most {} bytes received and {} to send for each (tcp_rmem, tcp_wmem), and\n{} for all of the \
             machine together (tcp_mem)",
            grouped(receive),
            grouped(send),
            grouped(pages * rustix::param::page_size() as u64)
        );
    }
    text + "."
}

/// With commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Arena;

    #[test]
    fn thousands_are_grouped() {
        let shown = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn the_budget_follows_the_limits() {
        let mut options = Options::default();
        options.limits.set("connections-max", 100).unwrap();
        options.limits.set("received-bytes-max", 100 << 20).unwrap();
        let small = table::<Arena>(&options, 1);
        assert!(small.contains("a worker, with 100 connections"), "{small}");
        options.limits.set("connections-max", 100_000).unwrap();
        let large = table::<Arena>(&options, 3);
        assert!(
            large.contains("  3 workers and that ") && large != small,
            "{large}"
        );
        let told = json::<Arena>(&options);
        let sum: usize = told.values().sum::<usize>() - told["total"];
        assert!(
            sum == told["total"] && large.contains(&grouped(sum as u64)),
            "{large}"
        );
    }
}
