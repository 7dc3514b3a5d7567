//! The machine a record was made on, and whether other programs disturbed a launch.
//!
//! The description is taken once per record, so that two records can be told apart; a source that is missing is `null`.
//! The gate compares the busy time of all CPUs with what the matrix and its servers used themselves. It labels a launch
//! and removes nothing.

pub mod doctor;
mod kernel;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::process;
use crate::verdict::MachineState;

pub use kernel::KernelMemory;

/// Other programs may use this share of all CPUs in a quiet launch.
const FOREIGN_MAX: f64 = 0.05;

/// The hypervisor may take this share of all CPUs in a quiet launch.
const STEAL_MAX: f64 = 0.01;

/// The wall clock decides when at least this share of the launches was quiet.
const QUIET_LAUNCHES_MIN: f64 = 0.8;

/// `/proc` counts in hundredths of a second on every Linux (USER_HZ, proc(5)).
pub(crate) const JIFFY_NS: u64 = 10_000_000;

/// What was found when a campaign began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The campaign it was described for.
    pub campaign: String,
    /// When, in UTC.
    pub started: String,
    /// `uname -r`.
    pub kernel: Option<String>,
    /// The name of the first CPU.
    pub cpu_model: Option<String>,
    /// CPUs this process may use.
    pub usable_cpus: Vec<usize>,
    /// The frequency governor of the first CPU; virtual machines show none.
    pub governor: Option<String>,
    /// Transparent huge pages.
    pub huge_pages: Option<String>,
    /// Soft limit of open files.
    pub open_files_max: Option<String>,
    /// Soft limit of locked memory.
    pub locked_memory_max: Option<String>,
    /// 0: everybody may use io_uring, 1: a group, 2: nobody.
    pub io_uring_disabled: Option<String>,
    /// The longest accept queue.
    pub somaxconn: Option<String>,
    /// The largest packet on loopback.
    pub loopback_mtu_bytes: Option<String>,
    /// The ports a client may use.
    pub local_ports: Option<String>,
    /// The load averages when it began.
    pub load_average: Option<String>,
    /// `rustc -Vv`.
    pub rustc: Option<String>,
    /// The revision of the workspace.
    pub git_revision: Option<String>,
    /// What differs from it, as `git status --porcelain` lists it; empty when nothing does.
    pub git_changes: Option<String>,
    /// The hash of Cargo.lock.
    pub cargo_lock_sha256: Option<String>,
}

impl Machine {
    /// Looks around; `workspace` is the root of the clone.
    ///
    /// # Errors
    /// When not even the usable CPUs can be read.
    pub fn describe(campaign: &str, started: &str, workspace: &Path) -> Result<Machine> {
        let in_workspace =
            |program: &str, arguments: &[&str]| said_by(workspace, program, arguments);
        Ok(Machine {
            campaign: campaign.to_owned(),
            started: started.to_owned(),
            kernel: first_line("/proc/sys/kernel/osrelease"),
            cpu_model: field("/proc/cpuinfo", "model name"),
            usable_cpus: process::usable_cpus()?,
            governor: first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            huge_pages: first_line("/sys/kernel/mm/transparent_hugepage/enabled"),
            open_files_max: soft_limit("Max open files"),
            locked_memory_max: soft_limit("Max locked memory"),
            io_uring_disabled: first_line("/proc/sys/kernel/io_uring_disabled"),
            somaxconn: first_line("/proc/sys/net/core/somaxconn"),
            loopback_mtu_bytes: first_line("/sys/class/net/lo/mtu"),
            local_ports: first_line("/proc/sys/net/ipv4/ip_local_port_range"),
            load_average: first_line("/proc/loadavg"),
            rustc: in_workspace("rustc", &["-Vv"]),
            git_revision: in_workspace("git", &["rev-parse", "HEAD"]),
            git_changes: in_workspace("git", &["status", "--porcelain"]),
            cargo_lock_sha256: fs::read(workspace.join("Cargo.lock"))
                .ok()
                .map(|bytes| sha256(&bytes)),
        })
    }

    /// One line for the head of a table.
    #[must_use]
    pub fn line(&self) -> String {
        let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "n/a".to_owned());
        format!(
            "{}, {} usable CPUs, Linux {}, governor {}",
            known(&self.cpu_model),
            self.usable_cpus.len(),
            known(&self.kernel),
            known(&self.governor)
        )
    }
}

/// What other programs did during one launch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quiet {
    /// CPU time of other programs as a share of all CPUs.
    pub foreign_share: f64,
    /// Time taken by the hypervisor as a share of all CPUs.
    pub steal_share: f64,
    /// Whether both were small.
    pub state: MachineState,
}

impl Quiet {
    fn of(foreign_share: f64, steal_share: f64) -> Quiet {
        let quiet = foreign_share <= FOREIGN_MAX && steal_share <= STEAL_MAX;
        Quiet {
            foreign_share,
            steal_share,
            state: if quiet {
                MachineState::Quiet
            } else {
                MachineState::Noisy
            },
        }
    }
}

/// The state of the machine over several launches.
#[must_use]
pub fn state_over<'a>(launches: impl IntoIterator<Item = &'a Quiet>) -> MachineState {
    let states: Vec<MachineState> = launches.into_iter().map(|quiet| quiet.state).collect();
    let quiet = states
        .iter()
        .filter(|state| **state == MachineState::Quiet)
        .count();
    if !states.is_empty() && quiet as f64 >= states.len() as f64 * QUIET_LAUNCHES_MIN {
        MachineState::Quiet
    } else {
        MachineState::Noisy
    }
}

/// An open look at the machine; closing it gives the label.
#[derive(Debug)]
pub struct Gate {
    began: Instant,
    jiffies: Jiffies,
    own_ns: u64,
}

impl Gate {
    /// Begins to look. No server may run yet.
    ///
    /// # Errors
    /// When `/proc/stat` cannot be read.
    pub fn open() -> Result<Gate> {
        Ok(Gate {
            began: Instant::now(),
            jiffies: Jiffies::now()?,
            own_ns: process::own_cpu_ns()?,
        })
    }

    /// Ends it; `servers_ns` is the CPU time of all servers that ran meanwhile.
    ///
    /// # Errors
    /// When `/proc/stat` cannot be read.
    pub fn close(self, servers_ns: u64) -> Result<Quiet> {
        let jiffies = Jiffies::now()?;
        let own_ns = process::own_cpu_ns()? - self.own_ns + servers_ns;
        let busy_ns = jiffies.busy.saturating_sub(self.jiffies.busy) * JIFFY_NS;
        let steal_ns = jiffies.steal.saturating_sub(self.jiffies.steal) * JIFFY_NS;
        let capacity_ns = self.began.elapsed().as_nanos() as f64 * jiffies.cpus as f64;
        Ok(Quiet::of(
            busy_ns.saturating_sub(own_ns) as f64 / capacity_ns,
            steal_ns as f64 / capacity_ns,
        ))
    }
}

/// The first line of `/proc/stat`, summed up.
#[derive(Debug, PartialEq)]
struct Jiffies {
    busy: u64,
    steal: u64,
    cpus: usize,
}

impl Jiffies {
    fn now() -> Result<Jiffies> {
        let text = fs::read_to_string("/proc/stat").context("failed to read /proc/stat")?;
        Jiffies::of(&text).context("failed to understand /proc/stat")
    }

    /// user nice system idle iowait irq softirq steal; guest time is part of user time.
    fn of(text: &str) -> Option<Jiffies> {
        let total = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let fields: Vec<u64> = total
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        let [user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = fields[..] else {
            return None;
        };
        let is_cpu = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
        Some(Jiffies {
            busy: user + nice + system + irq + softirq,
            steal,
            cpus: text.lines().filter(is_cpu).count(),
        })
    }
}

/// The hash of some bytes in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn first_line(path: &str) -> Option<String> {
    Some(
        fs::read_to_string(path)
            .ok()?
            .lines()
            .next()?
            .trim()
            .to_owned(),
    )
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The soft limit is the first column after the name.
fn soft_limit(name: &str) -> Option<String> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let values = text.lines().find_map(|line| line.strip_prefix(name))?;
    values.split_whitespace().next().map(str::to_owned)
}

fn said_by(folder: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  10 2 3 400 50 6 7 8 9 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 5\n";

    #[test]
    fn busy_is_neither_idle_nor_stolen() {
        assert_eq!(
            Jiffies::of(STAT),
            Some(Jiffies {
                busy: 28,
                steal: 8,
                cpus: 2
            })
        );
        assert_eq!(Jiffies::of("cpu  1 2 3\n"), None);
        assert_eq!(Jiffies::of(""), None);
    }

    #[test]
    fn a_launch_is_quiet_within_both_limits() {
        assert_eq!(Quiet::of(0.05, 0.01).state, MachineState::Quiet);
        assert_eq!(Quiet::of(0.051, 0.0).state, MachineState::Noisy);
        assert_eq!(Quiet::of(0.0, 0.011).state, MachineState::Noisy);
    }

    #[test]
    fn four_quiet_launches_in_five_make_a_quiet_machine() {
        let launches = |quiet, noisy| {
            let all = vec![Quiet::of(0.0, 0.0); quiet]
                .into_iter()
                .chain(vec![Quiet::of(0.5, 0.0); noisy]);
            state_over(&all.collect::<Vec<_>>())
        };
        assert_eq!(launches(4, 1), MachineState::Quiet);
        assert_eq!(launches(3, 1), MachineState::Noisy);
        assert_eq!(launches(0, 0), MachineState::Noisy);
    }

    #[test]
    fn this_machine_can_be_described() {
        let machine = Machine::describe("c", "now", Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(
            machine.kernel.is_some()
                && machine.open_files_max.is_some()
                && machine.local_ports.is_some()
        );
        assert!(machine.line().contains("usable CPUs"));
    }
}
