//! What `/proc` says about one process: memory, page faults, context switches (proc(5)).
//!
//! A file that is missing or reads otherwise than expected gives `None`: the metric is then `n/a`.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The state of a listener in `/proc/net/tcp`.
const LISTENS: &str = "0A";

/// Memory of a process in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Pages nobody else maps; what the process costs.
    pub private_bytes: u64,
    /// All resident pages.
    pub resident_bytes: u64,
    /// The most that was ever resident.
    pub peak_bytes: u64,
    /// Rings that it shares with the kernel, as far as it maps them; they are resident too. 0 without io_uring.
    #[serde(default)]
    pub rings_bytes: Option<u64>,
    /// What a cgroup of its own is charged for, less inactive pages of files: with the kernel's memory for it. None where no
    /// such cgroup could be made.
    #[serde(default)]
    pub cgroup_bytes: Option<u64>,
}

/// Counters of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// Page faults served without I/O.
    pub minor_faults: u64,
    /// Page faults that had to read.
    pub major_faults: u64,
    /// Context switches because a thread waited.
    pub voluntary_switches: u64,
    /// Context switches because its time was up.
    pub involuntary_switches: u64,
}

impl Events {
    /// What was added since `earlier`. A thread that ended meanwhile took its switches with it: never below zero.
    #[must_use]
    pub fn since(&self, earlier: &Events) -> Events {
        Events {
            minor_faults: self.minor_faults.saturating_sub(earlier.minor_faults),
            major_faults: self.major_faults.saturating_sub(earlier.major_faults),
            voluntary_switches: self
                .voluntary_switches
                .saturating_sub(earlier.voluntary_switches),
            involuntary_switches: self
                .involuntary_switches
                .saturating_sub(earlier.involuntary_switches),
        }
    }
}

impl Events {
    /// Those of both.
    pub(super) fn and(&self, other: &Events) -> Events {
        Events {
            minor_faults: self.minor_faults + other.minor_faults,
            major_faults: self.major_faults + other.major_faults,
            voluntary_switches: self.voluntary_switches + other.voluntary_switches,
            involuntary_switches: self.involuntary_switches + other.involuntary_switches,
        }
    }
}

/// A process of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) pid: u32,
    started: u64,
    /// CPU time, in hundredths of a second, of the children that it has waited for, and of theirs.
    pub(super) waited_jiffies: u64,
}

/// Which process: its number, and when it began, since numbers are given again.
pub(super) type Key = (u32, u64);

impl Member {
    pub(super) fn key(&self) -> Key {
        (self.pid, self.started)
    }
}

/// The processes of a session that have not ended.
pub(super) fn session(leader: u32) -> Vec<Member> {
    let Ok(all) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let member = |pid| {
        member(
            pid,
            &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?,
            leader,
        )
    };
    pids.filter_map(member).collect()
}

/// Fields 3 (state), 6 (session), 16 and 17 (time of waited-for children) and 22 (start) of stat.
fn member(pid: u32, stat: &str, leader: u32) -> Option<Member> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let is_alive = !matches!(*fields.first()?, "Z" | "X");
    (is_alive && field(6)? == u64::from(leader)).then_some(Member {
        pid,
        started: field(22)?,
        waited_jiffies: field(16)? + field(17)?,
    })
}

/// The memory of several processes: the sums of their proportional and resident set sizes, and of their peaks.
pub(super) fn shared_memory(pids: &[u32]) -> Option<Memory> {
    let all: Vec<Memory> = pids
        .iter()
        .filter_map(|pid| read(*pid, &["Pss:"]))
        .collect();
    all.into_iter().reduce(|sum, memory| Memory {
        private_bytes: sum.private_bytes + memory.private_bytes,
        resident_bytes: sum.resident_bytes + memory.resident_bytes,
        peak_bytes: sum.peak_bytes + memory.peak_bytes,
        rings_bytes: sum
            .rings_bytes
            .zip(memory.rings_bytes)
            .map(|(sum, rings)| sum + rings),
        cgroup_bytes: None,
    })
}

pub(super) fn memory(pid: u32) -> Option<Memory> {
    read(pid, &["Private_Clean:", "Private_Dirty:"])
}

/// The memory of a process, whose own is the sum of these fields.
fn read(pid: u32, own: &[&str]) -> Option<Memory> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let own = own.iter().map(|field| number(&rollup, field));
    Some(Memory {
        private_bytes: own.sum::<Option<u64>>()? * 1024,
        resident_bytes: number(&rollup, "Rss:")? * 1024,
        peak_bytes: number(&status, "VmHWM:")? * 1024,
        rings_bytes: rings(pid),
        cgroup_bytes: None,
    })
}

/// The size of all mappings of rings.
fn rings(pid: u32) -> Option<u64> {
    Some(rings_in(
        &fs::read_to_string(format!("/proc/{pid}/maps")).ok()?,
    ))
}

fn rings_in(maps: &str) -> u64 {
    let size = |line: &str| {
        let range = line
            .strip_suffix("anon_inode:[io_uring]")?
            .split(' ')
            .next()?;
        let (start, end) = range.split_once('-')?;
        let address = |text| u64::from_str_radix(text, 16).ok();
        Some(address(end)? - address(start)?)
    };
    maps.lines().filter_map(size).sum()
}

pub(super) fn events(pid: u32) -> Option<Events> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (minor_faults, major_faults) = faults(&stat)?;
    let mut events = Events {
        minor_faults,
        major_faults,
        voluntary_switches: 0,
        involuntary_switches: 0,
    };
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let status = fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        events.voluntary_switches += number(&status, "voluntary_ctxt_switches:")?;
        events.involuntary_switches += number(&status, "nonvoluntary_ctxt_switches:")?;
    }
    Some(events)
}

/// How many descriptors it has open. Those of an io_uring are not among them. Since Linux 6.2 the size of the folder is their
/// number (proc(5)); to list ten thousand takes milliseconds.
pub(super) fn descriptors(pid: u32) -> Option<usize> {
    let folder = format!("/proc/{pid}/fd");
    match fs::metadata(&folder).ok()?.len() {
        0 => Some(fs::read_dir(folder).ok()?.count()),
        number => usize::try_from(number).ok(),
    }
}

/// From now on the peak counts anew (proc(5), clear_refs).
pub(super) fn forget_peak(pid: u32) -> std::io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

/// Connections to this address of ours that a process has a socket for, whichever way it holds it: what was closed, and what
/// waits to be accepted, has no inode. The kernel prints its table page by page: a socket is twice in it when another one
/// came meanwhile, and missing when one went.
pub(super) fn connections_to(address: SocketAddr) -> Option<usize> {
    let SocketAddr::V4(address) = address else {
        return None;
    };
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    Some(held_in(&table, address))
}

/// Where a process listens by IPv4, as far as its listeners have descriptors.
pub(super) fn listeners(pid: u32) -> Option<Vec<SocketAddr>> {
    let sockets = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let inode = |link: PathBuf| {
        let text = link.to_str()?;
        Some(text.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
    };
    let inodes: BTreeSet<String> = sockets
        .filter_map(|entry| inode(fs::read_link(entry.path()).ok()?))
        .collect();
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    Some(listening_in(&table, &inodes))
}

fn listening_in(table: &str, inodes: &BTreeSet<String>) -> Vec<SocketAddr> {
    let address = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
        let (ip, port) = local.split_once(':')?;
        let ip = u32::from_str_radix(ip, 16).ok()?.to_ne_bytes();
        let port = u16::from_str_radix(port, 16).ok()?;
        (*state == LISTENS && inodes.contains(*inode)).then(|| SocketAddr::from((ip, port)))
    };
    table.lines().skip(1).filter_map(address).collect()
}

/// What `/proc/PID/fd` says of each socket that listens on a port, of IPv4 or IPv6.
pub(super) fn listening_on(port: u16) -> BTreeSet<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok());
    tables
        .flat_map(|table| listeners_in(&table, port))
        .collect()
}

fn listeners_in(table: &str, port: u16) -> Vec<String> {
    let port = format!(":{port:04X}");
    let socket = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_it = words.get(1)?.ends_with(&port) && *words.get(3)? == LISTENS;
        is_it.then_some(format!("socket:[{}]", words.get(9)?))
    };
    table.lines().skip(1).filter_map(socket).collect()
}

/// Whether a process has one of these sockets open.
pub(super) fn holds(pid: u32, sockets: &BTreeSet<String>) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let is_one = |path: &Path| {
        fs::read_link(path).is_ok_and(|what| sockets.contains(&*what.to_string_lossy()))
    };
    descriptors.flatten().any(|entry| is_one(&entry.path()))
}

fn held_in(table: &str, address: SocketAddrV4) -> usize {
    // The kernel writes the address as the number that its bytes are in memory.
    let ip = u32::from_ne_bytes(address.ip().octets());
    let local = format!("{ip:08X}:{:04X}", address.port());
    let peer = |line| {
        let mut words = str::split_whitespace(line).skip(1);
        let ours = words.next().is_some_and(|word| word == local);
        let peer = words.next();
        let held = words.next().is_some_and(|state| state != LISTENS)
            && words.nth(5).is_some_and(|inode| inode != "0");
        peer.filter(|_| ours && held)
    };
    let peers: BTreeSet<&str> = table.lines().skip(1).filter_map(peer).collect();
    peers.len()
}

/// Fields 10 and 12 of stat, counted from the last parenthesis: the name before it may hold anything.
fn faults(stat: &str) -> Option<(u64, u64)> {
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace().skip(7);
    let minor = after_name.next()?.parse().ok()?;
    let major = after_name.nth(1)?.parse().ok()?;
    Some((minor, major))
}

/// The number after a field's name at the start of a line.
fn number(text: &str, field: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(field))?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let status =
            "voluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t9\nVmHWM:\t  12 kB\n";
        assert_eq!(number(status, "voluntary_ctxt_switches:"), Some(7));
        assert_eq!(number(status, "nonvoluntary_ctxt_switches:"), Some(9));
        assert_eq!(number(status, "VmHWM:"), Some(12));
        assert_eq!(number(status, "VmRSS:"), None);
    }

    #[test]
    fn faults_are_counted_from_the_last_parenthesis() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 1000 11 22 33 44 55";
        assert_eq!(faults(stat), Some((1000, 22)));
    }

    #[test]
    fn a_member_is_alive_and_of_the_session() {
        let stat = |state: &str, session: u32| {
            format!("42 (a) b) {state} 1 42 {session} 0 -1 0 1 2 3 4 5 6 70 8 20 0 1 0 999 5")
        };
        let found = Some(Member {
            pid: 42,
            started: 999,
            waited_jiffies: 78,
        });
        assert_eq!(member(42, &stat("S", 40), 40), found);
        assert_eq!(member(42, &stat("S", 41), 40), None);
        assert_eq!(member(42, &stat("Z", 40), 40), None);
    }

    #[test]
    fn a_listener_is_told_by_port_and_state() {
        let table = "  sl  local_address rem_address st …
            0: 00000000:1F90 00000000:0000 0A 0:0 0:0 0 0 0 7 1
            1: 0100007F:1F90 0200007F:D431 01 0:0 0:0 0 0 0 8 1
            2: 0100007F:1F91 00000000:0000 0A 0:0 0:0 0 0 0 9 1";
        assert_eq!(listeners_in(table, 0x1f90), ["socket:[7]"]);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let sockets = listening_on(listener.local_addr().unwrap().port());
        assert!(holds(std::process::id(), &sockets));
        assert!(!holds(std::process::id(), &BTreeSet::new()));
    }

    #[test]
    fn connections_with_an_inode_are_held() {
        let line = |local: &str, state: &str, inode: &str| {
            format!(
                "   0: 0100007F:{local} 0200007F:D4{inode:0>2} {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0\n"
            )
        };
        let table = "  sl  local_address rem_address st …\n".to_owned()
            + &line("1F90", "0A", "7")
            + &line("1F90", "01", "8")
            + &line("1F90", "08", "9")
            + &line("1F90", "08", "9")
            + &line("1F90", "01", "0")
            + &line("1F91", "01", "10");
        let elsewhere = line("1F90", "01", "11").replace("0100007F:1F90", "0101007F:1F90");
        let address = SocketAddrV4::new([127, 0, 0, 1].into(), 0x1f90);
        let table = table + &elsewhere;
        assert_eq!(held_in(&table, address), 2);
        let listening = |inode: &str| listening_in(&table, &[inode.to_owned()].into());
        assert_eq!(listening("7"), [SocketAddr::V4(address)]);
        assert_eq!(listening("8"), []);
    }

    #[test]
    fn rings_are_the_mappings_of_io_uring() {
        let maps = "7fd18d790000-7fd18d795000 rw-s 00000000 00:10 20263606   anon_inode:[io_uring]\n\
            7fd18d795000-7fd18d799000 rw-s 10000000 00:10 20263606   anon_inode:[io_uring]\n\
            7fd18d799000-7fd18d79a000 rw-p 00000000 00:00 0 \n";
        assert_eq!(rings_in(maps), 9 * 4096);
        assert_eq!(rings_in(""), 0);
    }

    #[test]
    fn this_process_has_memory_and_faults() {
        let memory = memory(std::process::id()).expect("smaps_rollup is readable for oneself");
        assert!(0 < memory.private_bytes && memory.private_bytes <= memory.resident_bytes);
        assert!(memory.peak_bytes > 0);
        assert!(
            events(std::process::id())
                .expect("stat is readable")
                .minor_faults
                > 0
        );
    }
}
