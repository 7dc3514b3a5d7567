//! The server that is attacked: its executable, what it says of itself, and with which limits it is started.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::process::Program;

/// The limits that are shortened, so that an attack runs into them within its windows.
const SHORTENED: [(&str, u64); 4] = [
    ("head-timeout-ms", 800),
    ("content-timeout-ms", 1_200),
    ("send-timeout-ms", 1_200),
    ("linger-timeout-ms", 300),
];

/// A server to attack.
#[derive(Clone, Debug)]
pub struct Opponent {
    /// Its design, or its path.
    pub name: String,
    /// How it is started.
    pub(super) program: Program,
    /// The most memory that it says its clients can make it take, beyond what it has without any.
    pub(crate) budget_bytes: Option<u64>,
}

impl Opponent {
    /// Asks an executable what it says of itself: whatever else than a design it is, it need not know the question. A
    /// command is not asked.
    #[must_use]
    pub fn of(name: String, program: Program, times: Times) -> Opponent {
        let Program::Executable(path, _) = &program else {
            return Opponent {
                name,
                program,
                budget_bytes: None,
            };
        };
        let limits = design(path, &[])["limits"].take();
        let known = |name: &&(&str, u64)| limits.get(name.0).is_some();
        let shortened = SHORTENED
            .iter()
            .filter(known)
            .filter(|_| times == Times::Shortened);
        let arguments: Vec<String> = shortened
            .flat_map(|(name, value)| ["--limit".to_owned(), format!("{name}={value}")])
            .collect();
        Opponent {
            name,
            budget_bytes: budget(&design(path, &arguments)),
            program: program.with(arguments),
        }
    }
}

/// The most memory that its clients can make a worker take, as it says.
fn budget(design: &Value) -> Option<u64> {
    design["worker_bytes_max"]["total"].as_u64()
}

/// Whether the server's deadlines are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Those that it has by default.
    Default,
    /// Shortened, as far as the server lets them be.
    Shortened,
}

/// How long it may take to say what it is.
const SAYS: Duration = Duration::from_secs(10);

/// What it prints when asked for its design; null where that is none. A server that does not know the question may begin
/// to serve, so it is ended as soon as what it says is no design, or when it says nothing.
fn design(path: &Path, arguments: &[String]) -> Value {
    let mut command = Command::new(path);
    command
        .arg("--design")
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        return Value::Null;
    };
    let (tell, said) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // Nobody hears it where it comes too late.
        thread::spawn(move || tell.send(first_object(stdout)));
    }
    let said = said.recv_timeout(SAYS);
    // Both fail only when it has ended and been waited for.
    let _ = child.kill();
    let _ = child.wait();
    said.ok().flatten().unwrap_or(Value::Null)
}

/// What cannot be read, or begins like something else, is no design.
fn first_object(mut from: impl Read) -> Option<Value> {
    let mut said = vec![0];
    from.read_exact(&mut said).ok()?;
    if said == b"{" {
        from.read_to_end(&mut said).ok()?;
    }
    serde_json::from_slice(&said).ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_says_nothing_is_not_waited_for() {
        assert!(design(Path::new("/no/such/program"), &[]).is_null());
        let silent = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(silent.path(), "#!/bin/sh\nexec sleep 3600\n").unwrap();
        let path = silent.into_temp_path();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&path, mode).unwrap();
        assert!(design(&path, &[]).is_null());
    }

    #[test]
    fn a_budget_is_the_total_of_what_it_is_for() {
        assert_eq!(
            budget(&json!({ "worker_bytes_max": { "regions": 3, "total": 9 } })),
            Some(9)
        );
        assert_eq!(budget(&json!({ "name": "x" })), None);
        assert_eq!(budget(&Value::Null), None);
    }
}
