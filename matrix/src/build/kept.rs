//! Which executables of other revisions are kept: those that were used last. Those of designs and floors are few, and stay.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::Built;

/// At 4 to 8 MiB each this is at most half a gigabyte.
const KEPT: usize = 64;

/// Makes it the last to go.
pub(super) fn used(executable: &Path) -> Result<()> {
    // To open it for writing fails while a server of it runs.
    let touched = File::open(executable).and_then(|file| file.set_modified(SystemTime::now()));
    touched.with_context(|| format!("failed to touch {}", executable.display()))
}

/// Removes the executables of revisions that were used longest ago, and never one that was asked for now.
pub(super) fn prune(designs: &Path, asked: &[Built]) -> Result<()> {
    let mut revised = revised_in(designs)?;
    revised.retain(|(_, path)| asked.iter().all(|built| built.path != *path));
    revised.sort();
    let surplus = (revised.len() + asked.len()).saturating_sub(KEPT);
    for (_, path) in revised.into_iter().take(surplus) {
        // The record goes first: without one the executable is built again.
        let mut record = path.clone().into_os_string();
        record.push(".json");
        for path in [PathBuf::from(record), path] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => {
                    removed.with_context(|| format!("failed to remove {}", path.display()))?;
                }
            }
        }
    }
    Ok(())
}

/// When each was used last; the name of a revision ends at a colon. A kill may have left one without its record.
fn revised_in(designs: &Path) -> Result<Vec<(SystemTime, PathBuf)>> {
    let context = || format!("failed to read the folder {}", designs.display());
    let is_revised = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let commit = name.split_once(':').map_or("", |(commit, _)| commit);
        let is_commit = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_commit
            && path
                .extension()
                .is_none_or(|end| end != "json" && end != "partial")
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(designs).with_context(context)? {
        let path = entry.with_context(context)?.path();
        if is_revised(&path) {
            let used = path.metadata().and_then(|file| file.modified());
            found.push((used.with_context(context)?, path));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;
    use crate::arm::Arm;

    #[test]
    fn one_that_runs_can_be_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sleep");
        fs::copy("/bin/sleep", &path).unwrap();
        File::open(&path)
            .and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH))
            .unwrap();
        let mut running = loop {
            // Another test may have forked while the copy was open for writing; its child holds it until it execs.
            match Command::new(&path).arg("60").spawn() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    std::thread::yield_now();
                }
                running => break running.unwrap(),
            }
        };
        let touched = used(&path);
        running.kill().unwrap();
        running.wait().unwrap();
        touched.unwrap();
        let modified = path.metadata().unwrap().modified().unwrap();
        assert_ne!(modified, SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let design = folder.path().join("epoll+split+system");
        let revised: Vec<PathBuf> = (0..KEPT + 3)
            .map(|number| {
                folder
                    .path()
                    .join(format!("{number:040x}:epoll+split+system"))
            })
            .collect();
        for (age, path) in revised.iter().chain([&design]).enumerate() {
            let used = SystemTime::UNIX_EPOCH + Duration::from_secs(age as u64);
            File::create(path).unwrap().set_modified(used).unwrap();
            fs::write(format!("{}.json", path.display()), "{}").unwrap();
        }
        // A kill came between its record and itself.
        fs::remove_file(format!("{}.json", revised[3].display())).unwrap();
        used(&revised[1]).unwrap();
        let asked = Built {
            arm: Arm::Floor("epoll".to_owned()),
            path: revised[0].clone(),
            sha256: String::new(),
            size_bytes: 0,
            fresh: true,
            build_s: 0.0,
        };
        prune(folder.path(), &[asked]).unwrap();
        let gone: Vec<usize> = (0..revised.len())
            .filter(|path| !revised[*path].exists())
            .collect();
        assert_eq!(gone, [2, 3, 4]);
        assert!(design.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2 * (KEPT + 1));
    }
}
