//! A cgroup of one server's own, so that the kernel counts what it is charged for: pages, page tables, sockets, rings.
//!
//! It is made below the cgroup of this process where that is allowed, in either version (cgroups(7)); where it is not there is
//! none. One that this process shares would count the matrix too. Servers enter it before they execute anything. A matrix
//! that was killed leaves empty ones behind, which the next one takes away.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// How the names of ours begin; the process that made it and a number follow.
const PREFIX: &str = "orthant-matrix-";

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// One cgroup. It goes when this does, and has to be empty by then.
#[derive(Debug)]
pub(super) struct Cgroup {
    folder: PathBuf,
}

impl Cgroup {
    /// Makes one; none where that is not allowed or memory is not counted in it.
    pub(super) fn new() -> Option<Cgroup> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let parent = memory_folder(&own, &mounts)?;
        forget_old(&parent);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let folder = parent.join(name);
        fs::create_dir(&folder).ok()?;
        let cgroup = Cgroup { folder };
        cgroup.bytes().is_some().then_some(cgroup)
    }

    /// What a process enters it by: it writes `0`.
    pub(super) fn entrance(&self) -> Option<File> {
        let file = self.folder.join("cgroup.procs");
        File::options().write(true).open(file).ok()
    }

    /// What its processes are charged for, less the pages of files that nobody used lately: as container runtimes count it.
    pub(super) fn bytes(&self) -> Option<u64> {
        let read = |name: &str| fs::read_to_string(self.folder.join(name)).ok();
        let (current, field) = match read("memory.current") {
            Some(current) => (current, "inactive_file "),
            None => (read("memory.usage_in_bytes")?, "total_inactive_file "),
        };
        let current: u64 = current.trim().parse().ok()?;
        Some(current.saturating_sub(field_of(&read("memory.stat")?, field)?))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Where somebody is left in it, the next matrix takes it away.
        let _ = fs::remove_dir(&self.folder);
    }
}

fn field_of(stat: &str, field: &str) -> Option<u64> {
    let value = stat.lines().find_map(|line| line.strip_prefix(field))?;
    value.trim().parse().ok()
}

/// The folder of the cgroup in which memory of this process is counted.
fn memory_folder(own: &str, mounts: &str) -> Option<PathBuf> {
    let path_of = |is_it: &dyn Fn(&str) -> bool| {
        own.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let controllers = parts.next()?;
            parts.next().filter(|_| is_it(controllers))
        })
    };
    let mounted = |is_it: &dyn Fn(&str, &str) -> bool| {
        mounts.lines().find_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [_, place, kind, options, ..] = words[..] else {
                return None;
            };
            is_it(kind, options).then_some(place)
        })
    };
    let has_memory = |list: &str| list.split(',').any(|word| word == "memory");
    let first = path_of(&has_memory).zip(mounted(&|kind, options| {
        kind == "cgroup" && has_memory(options)
    }));
    let (path, mount) =
        first.or_else(|| path_of(&str::is_empty).zip(mounted(&|kind, _| kind == "cgroup2")))?;
    Some(Path::new(mount).join(path.trim_start_matches('/')))
}

/// Takes away what processes left that are gone; what is in use cannot be taken away.
fn forget_old(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let maker = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next());
        if maker.is_some_and(|maker| !Path::new("/proc").join(maker).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_found_in_either_version() {
        let first = "9:name=systemd:/a\n4:cpu,memory:/b/c\n0::/\n";
        let mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
            cgroup /sys/fs/cgroup/memory cgroup rw,relatime,cpu,memory 0 0\n\
            cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let found = |own, mounts| memory_folder(own, mounts);
        assert_eq!(
            found(first, mounts),
            Some("/sys/fs/cgroup/memory/b/c".into())
        );
        let second = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
        assert_eq!(
            found("0::/user/x\n", second),
            Some("/sys/fs/cgroup/user/x".into())
        );
        assert_eq!(found("0::/user/x\n", "proc /proc proc rw 0 0\n"), None);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let stat = "inactive_file 5\ntotal_inactive_file 7\n";
        assert_eq!(field_of(stat, "inactive_file "), Some(5));
        assert_eq!(field_of(stat, "total_inactive_file "), Some(7));
        assert_eq!(field_of(stat, "file "), None);
    }
}
