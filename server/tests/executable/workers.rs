//! Each worker is one thread, bound to a CPU of its own as far as there are enough, with a listener of its own on the
//! shared port: what the kernel says of a running server.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;

use super::running::*;

/// The CPUs that the threads of a name may run on, as the kernel lists them: `3` or `0-1,4`.
fn cpus_of(process: u32, name: &str) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let mut cpus = Vec::new();
    for thread in threads {
        let thread = thread.unwrap().path();
        if fs::read_to_string(thread.join("comm")).unwrap().trim_end() == name {
            cpus.push(cpus_allowed(&thread.join("status").to_string_lossy()));
        }
    }
    cpus
}

fn cpus_allowed(status: &str) -> String {
    let status = fs::read_to_string(status).unwrap();
    let mut lines = status.lines();
    let list = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.unwrap().trim().to_owned()
}

/// The inodes of the sockets that listen on an address of IPv4 (proc_net_tcp in the kernel's documentation).
fn listeners(address: SocketAddr) -> BTreeSet<String> {
    const LISTEN: &str = "0A";
    let SocketAddr::V4(address) = address else {
        panic!("{address} is not of IPv4")
    };
    let host = u32::from_ne_bytes(address.ip().octets());
    let local = format!("{host:08X}:{:04X}", address.port());
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let rows = table.lines().map(|row| row.split_whitespace().collect());
    let listening = rows.filter(|row: &Vec<_>| row[1] == local && row[3] == LISTEN);
    listening.map(|row| row[9].to_owned()).collect()
}

/// The inodes of all sockets that a process holds.
fn sockets(process: u32) -> BTreeSet<String> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    // One that is closed meanwhile is none.
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    targets
        .filter_map(|target| {
            let inode = target
                .to_str()?
                .strip_prefix("socket:[")?
                .strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect()
}

#[test]
fn each_worker_is_a_thread_on_one_cpu_with_its_own_listener() {
    let (mut child, address) = start(&["--workers", "2"]);
    let listeners = listeners(address);
    assert_eq!(listeners.len(), 2, "{listeners:?}");
    assert!(listeners.is_subset(&sockets(child.id())));
    let cpus: Vec<_> = ["worker-0", "worker-1"]
        .iter()
        .flat_map(|name| cpus_of(child.id(), name))
        .collect();
    assert_eq!(cpus.len(), 2, "each worker is one thread: {cpus:?}");
    let one = |cpus: &String| cpus.bytes().all(|byte| byte.is_ascii_digit());
    assert!(cpus.iter().all(one), "a worker has more CPUs: {cpus:?}");
    // Where this test may use one alone, both workers share it.
    let usable = cpus_allowed("/proc/self/status");
    assert_eq!(cpus[0] != cpus[1], !one(&usable), "{cpus:?} of {usable}");
    child.terminate();
    assert!(child.wait().unwrap().success());
}
