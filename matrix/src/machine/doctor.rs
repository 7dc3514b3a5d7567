//! What this machine can measure, what disturbs it, and what each thing that is missing costs.
//!
//! A source that cannot be read is `n/a`, and so is what would have been known by it. Nothing is changed or installed.

use std::path::Path;

use serde::Serialize;

use super::{FOREIGN_MAX, Machine, Quiet, STEAL_MAX, field, first_line, said_by};
use crate::{process, soak};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Such as `governor`.
    pub what: &'static str,
    /// What was found; none where there is nothing, or no way to know.
    pub seen: Option<String>,
    /// What it takes from measurements, and how to have it otherwise; none where all is well.
    pub costs: Option<String>,
}

/// Looks at the machine, of which `quiet` is how it was for a while; `workspace` is the root of the clone.
#[must_use]
pub fn findings(machine: &Machine, quiet: &Quiet, workspace: &Path) -> Vec<Finding> {
    let version = |program: &str, argument: &str| {
        let said = said_by(workspace, program, &[argument])?;
        said.lines().next().map(str::to_owned)
    };
    let is_there = |path: &str| Path::new(path).exists().then(|| "there".to_owned());
    [
        of_cpus(machine),
        of_quiet(quiet),
        of_others(machine),
        vec![of_io_uring(process::io_uring_is_allowed())],
        of_limits(machine),
        vec![of_huge_pages(machine.huge_pages.as_deref())],
        vec![
            needed(
                "counters",
                is_there("/sys/bus/event_source/devices/cpu"),
                "no instructions or cache misses by perf, as in most virtual machines: callgrind counts instructions",
            ),
            needed(
                "tracepoints",
                soak::calls_can_be_counted().then(|| "allowed".to_owned()),
                "`soak` tells no calls of the kernel per request: mount tracefs, and be root or set the sysctl \
                 kernel.perf_event_paranoid to -1; `count` tells them all the same",
            ),
            of_tracing(first_line("/proc/sys/kernel/yama/ptrace_scope").as_deref()),
            needed(
                "cgroup",
                process::cgroup_can_be_made().then(|| "allowed".to_owned()),
                "no memory by cgroup, as the arena counts it: be root, where cgroups of memory are mounted",
            ),
            needed(
                "perf",
                version("perf", "--version"),
                "no profiles: install linux-perf",
            ),
            needed(
                "valgrind",
                version("valgrind", "--version"),
                "no instructions per request: install valgrind",
            ),
            needed(
                "C compiler",
                version("cc", "--version"),
                "no designs with mimalloc, jemalloc or glommio: install gcc",
            ),
            needed(
                "make",
                version("make", "--version"),
                "no designs with jemalloc: install make",
            ),
        ],
    ]
    .concat()
}

fn found(what: &'static str, seen: Option<String>, is_well: bool, costs: &str) -> Finding {
    let costs = (!is_well).then(|| costs.to_owned());
    Finding { what, seen, costs }
}

/// What is well if it is there.
fn needed(what: &'static str, seen: Option<String>, costs: &str) -> Finding {
    let is_there = seen.is_some();
    found(what, seen, is_there, costs)
}

fn of_cpus(machine: &Machine) -> Vec<Finding> {
    let cpus = machine.usable_cpus.len();
    let siblings = first_line("/sys/devices/system/cpu/smt/active");
    let apart = siblings.as_deref() != Some("1");
    let governor = &machine.governor;
    vec![
        found(
            "CPUs",
            Some(format!("{cpus} usable")),
            cpus > 1,
            "server and clients share one: throughput and p99 are those of both, and decide nothing",
        ),
        found(
            "SMT",
            siblings,
            apart,
            "server and clients may share a core: CPU per request depends on what the other does; take CPUs of two cores by \
             taskset",
        ),
        found(
            "governor",
            governor.clone(),
            governor.as_deref() == Some("performance"),
            "the clock may change under way: figures of two records do not compare, ratios within one do",
        ),
    ]
}

fn of_quiet(quiet: &Quiet) -> Vec<Finding> {
    let percent = |share: f64| Some(format!("{:.1} % of all CPUs", share * 100.0));
    vec![
        found(
            "other programs",
            percent(quiet.foreign_share),
            quiet.foreign_share <= FOREIGN_MAX,
            "the machine is noisy: throughput and p99 decide nothing, and CPU per request takes more launches",
        ),
        found(
            "steal",
            percent(quiet.steal_share),
            quiet.steal_share <= STEAL_MAX,
            "the machine is noisy: its hypervisor gives its CPUs to others, which is seen as pauses",
        ),
    ]
}

fn of_others(machine: &Machine) -> Vec<Finding> {
    vec![
        needed(
            "pressure",
            first_line("/proc/pressure/cpu"),
            "nobody knows who waited for a CPU: boot with psi=1",
        ),
        needed(
            "kernel",
            machine.kernel.clone(),
            "nobody knows which designs it can run: uring asks for 6.0, monoio for 6.1",
        ),
        needed(
            "memory",
            field("/proc/meminfo", "MemAvailable"),
            "nobody knows whether builds fit, which take 2 GiB",
        ),
    ]
}

fn of_io_uring(is_allowed: bool) -> Finding {
    found(
        "io_uring",
        Some(if is_allowed { "allowed" } else { "denied" }.to_owned()),
        is_allowed,
        "designs with uring, glommio, monoio and tokio-uring are left out: set the sysctl kernel.io_uring_disabled to 0, or \
         allow io_uring_setup in the container's seccomp profile",
    )
}

fn of_limits(machine: &Machine) -> Vec<Finding> {
    let ports = machine.local_ports.as_deref().and_then(width);
    vec![
        found(
            "open files",
            machine.open_files_max.clone(),
            at_least(machine.open_files_max.as_deref(), 10_600),
            "no 10,000 idle connections, in `attack` and `idle`: ulimit -n 20000",
        ),
        found(
            "locked memory",
            machine.locked_memory_max.clone(),
            at_least(machine.locked_memory_max.as_deref(), 8 << 20),
            "designs on io_uring may not start beside each other: ulimit -l 8192",
        ),
        found(
            "client ports",
            machine
                .local_ports
                .as_deref()
                .map(|line| line.replace('\t', " to ")),
            ports.is_some_and(|ports| ports >= 20_000),
            "limited-conn may run out of them: sysctl net.ipv4.ip_local_port_range='10000 65000'",
        ),
        found(
            "accept queue",
            machine.somaxconn.clone(),
            at_least(machine.somaxconn.as_deref(), 1_024),
            "bursts of connections are refused, and come again after a second: sysctl net.core.somaxconn=4096",
        ),
        found(
            "loopback MTU",
            machine.loopback_mtu_bytes.clone(),
            at_least(machine.loopback_mtu_bytes.as_deref(), 65_536),
            "large answers take more packets than elsewhere: ip link set lo mtu 65536",
        ),
    ]
}

/// The matrix traces its own children, which all but the strictest setting allows (ptrace(2), `ptrace_scope`).
fn of_tracing(scope: Option<&str>) -> Finding {
    let is_denied = scope == Some("3");
    found(
        "ptrace",
        Some(if is_denied { "denied" } else { "allowed" }.to_owned()),
        !is_denied,
        "no calls of the kernel per request by `count`: set the sysctl kernel.yama.ptrace_scope to 1 and start anew",
    )
}

/// `always [madvise] never`: the one in brackets.
fn of_huge_pages(line: Option<&str>) -> Finding {
    let chosen = line.and_then(|line| line.split_once('[')?.1.split_once(']'));
    let chosen = chosen.map(|(chosen, _)| chosen.to_owned());
    let is_small = chosen.as_deref() != Some("always");
    found(
        "huge pages",
        chosen,
        is_small,
        "memory comes by 2 MiB, and figures of memory show that: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
    )
}

fn at_least(value: Option<&str>, least: u64) -> bool {
    value.is_some_and(|value| {
        value == "unlimited" || value.parse::<u64>().is_ok_and(|value| value >= least)
    })
}

/// How many numbers lie between the two of a line.
fn width(line: &str) -> Option<u64> {
    let (first, last) = line.split_once(char::is_whitespace)?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    Some((last + 1).saturating_sub(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine::describe("c", "now", Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    fn costs(findings: &[Finding], what: &str) -> bool {
        let found = findings.iter().find(|finding| finding.what == what);
        found.unwrap().costs.is_some()
    }

    #[test]
    fn what_is_missing_or_low_has_its_price() {
        let one_cpu = Machine {
            usable_cpus: vec![3],
            governor: Some("powersave".to_owned()),
            ..machine()
        };
        let found = of_cpus(&one_cpu);
        assert!(costs(&found, "CPUs") && costs(&found, "governor"));
        assert!(of_io_uring(false).costs.is_some() && of_io_uring(true).costs.is_none());
        assert!(of_tracing(Some("3")).costs.is_some());
        assert!(of_tracing(Some("1")).costs.is_none() && of_tracing(None).costs.is_none());
        let low = Machine {
            open_files_max: Some("1024".to_owned()),
            locked_memory_max: Some("65536".to_owned()),
            local_ports: Some("40000\t50000".to_owned()),
            somaxconn: None,
            loopback_mtu_bytes: Some("1500".to_owned()),
            ..machine()
        };
        assert!(
            of_limits(&low)
                .iter()
                .all(|finding| finding.costs.is_some())
        );
        let high = Machine {
            open_files_max: Some("unlimited".to_owned()),
            locked_memory_max: Some("8388608".to_owned()),
            local_ports: Some("32768\t60999".to_owned()),
            somaxconn: Some("4096".to_owned()),
            loopback_mtu_bytes: Some("65536".to_owned()),
            ..machine()
        };
        assert!(
            of_limits(&high)
                .iter()
                .all(|finding| finding.costs.is_none())
        );
        assert!(needed("valgrind", None, "x").costs.is_some());
    }

    #[test]
    fn a_noisy_machine_is_told() {
        let found = of_quiet(&Quiet::of(0.2, 0.0));
        assert!(costs(&found, "other programs") && !costs(&found, "steal"));
        let found = of_quiet(&Quiet::of(0.01, 0.02));
        assert!(!costs(&found, "other programs") && costs(&found, "steal"));
    }

    #[test]
    fn the_chosen_size_of_pages_is_read() {
        let found = of_huge_pages(Some("always [madvise] never"));
        assert_eq!(
            (found.seen.as_deref(), found.costs),
            (Some("madvise"), None)
        );
        assert!(
            of_huge_pages(Some("[always] madvise never"))
                .costs
                .is_some()
        );
        assert_eq!(of_huge_pages(None).seen, None);
    }

    #[test]
    fn this_machine_is_looked_at() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = findings(&machine(), &Quiet::of(0.0, 0.0), root);
        let cpus = format!("{} usable", machine().usable_cpus.len());
        assert_eq!(found[0].seen, Some(cpus));
        let mut names: Vec<&str> = found.iter().map(|finding| finding.what).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), found.len(), "each once");
    }
}
