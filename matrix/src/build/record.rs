//! What is kept beside each executable: the hash of what went in and of what came out.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    inputs_sha256: String,
    executable_sha256: String,
    /// Of cargo and all that it started; none where it found the executable built.
    #[serde(default)]
    build_cpu_s: Option<f64>,
}

/// What building it took, if that was noted.
pub(super) fn build_cpu_s(executable: &Path) -> Result<Option<f64>> {
    let path = beside(executable);
    if !path.exists() {
        return Ok(None);
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    Ok(serde_json::from_str::<Record>(&text)
        .ok()
        .and_then(|record| record.build_cpu_s))
}

/// The executable's own hash, if it was built from these inputs and is still what was built.
pub(super) fn fresh(executable: &Path, inputs_sha256: &str) -> Result<Option<String>> {
    let path = beside(executable);
    if !path.exists() || !executable.exists() {
        return Ok(None);
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    // A record that cannot be read is one that does not vouch for the executable.
    let Ok(record) = serde_json::from_str::<Record>(&text) else {
        return Ok(None);
    };
    if record.inputs_sha256 != inputs_sha256 {
        return Ok(None);
    }
    let sha256 = file_sha256(executable)?;
    Ok((record.executable_sha256 == sha256).then_some(sha256))
}

/// Copies what cargo built to its own name, records it, and returns its hash. Both files appear whole or not at all.
pub(super) fn install(
    source: &Path,
    executable: &Path,
    inputs_sha256: &str,
    build_cpu_s: Option<f64>,
) -> Result<String> {
    let partial = extended(executable, ".partial");
    let context = || {
        format!(
            "failed to copy {} to {}",
            source.display(),
            executable.display()
        )
    };
    fs::copy(source, &partial).with_context(context)?;
    fs::rename(&partial, executable).with_context(context)?;
    let executable_sha256 = file_sha256(executable)?;
    let record = Record {
        inputs_sha256: inputs_sha256.to_owned(),
        executable_sha256,
        build_cpu_s,
    };
    let path = beside(executable);
    let context = || format!("failed to write {}", path.display());
    fs::write(&partial, serde_json::to_string_pretty(&record)? + "\n").with_context(context)?;
    fs::rename(&partial, &path).with_context(context)?;
    Ok(record.executable_sha256)
}

/// Of a file's bytes, in hexadecimal.
pub(super) fn file_sha256(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    Ok(hex(&Sha256::digest(bytes)))
}

/// Two digits per byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

fn beside(executable: &Path) -> PathBuf {
    extended(executable, ".json")
}

/// Appends to the name; a design's name may contain no dot, but `with_extension` would replace one.
fn extended(path: &Path, suffix: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with an installed executable `a+b`, built from inputs `in`.
    fn installed() -> (tempfile::TempDir, PathBuf, String) {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::write(&source, "abc").unwrap();
        let executable = folder.path().join("a+b");
        let sha256 = install(&source, &executable, "in", Some(1.5)).unwrap();
        (folder, executable, sha256)
    }

    #[test]
    fn what_was_installed_is_fresh_for_its_inputs_alone() {
        let (folder, executable, sha256) = installed();
        // FIPS 180-2, appendix B.1: the digest of "abc".
        assert_eq!(
            sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(fresh(&executable, "in").unwrap(), Some(sha256));
        assert_eq!(fresh(&executable, "other").unwrap(), None);
        assert_eq!(build_cpu_s(&executable).unwrap(), Some(1.5));
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["a+b", "a+b.json", "source"]);
    }

    #[test]
    fn a_changed_executable_or_a_broken_record_is_not_fresh() {
        let (_folder, executable, _) = installed();
        fs::write(&executable, "abd").unwrap();
        assert_eq!(fresh(&executable, "in").unwrap(), None);

        let (_folder, executable, _) = installed();
        fs::write(beside(&executable), "{").unwrap();
        assert_eq!(fresh(&executable, "in").unwrap(), None);

        let (_folder, executable, _) = installed();
        fs::remove_file(&executable).unwrap();
        assert_eq!(fresh(&executable, "in").unwrap(), None);
    }
}
