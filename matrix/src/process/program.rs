//! What is started: an executable that says where it listens, or a command that is told where.
//!
//! An executable keeps the contract of designs: `--listen ADDRESS:PORT --workers N`, and a line that says where it listens.
//! A command is anything else. Its words are taken apart as a shell would do it, but no shell is started: that would be a
//! process more, whose memory counted. Whoever wants one writes `sh -c '…'`.

use std::env;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Every server has one worker, unless its arguments say otherwise.
const WORKERS: &str = "1";

/// What is served unless something else is asked for.
const APP: &str = "arena";

/// How a server is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// An executable with the contract of designs, and arguments beyond those of the contract.
    Executable(PathBuf, Vec<String>),
    /// Words in which `{port}`, `{address}`, `{workers}` and `{app}` are replaced.
    Command(String),
}

impl Program {
    /// The same, serving the routes of `arena` or `probe`.
    #[must_use]
    pub fn serving(self, app: &str) -> Program {
        match self {
            Program::Executable(..) => self.with(["--app", app].map(str::to_owned)),
            Program::Command(words) => Program::Command(words.replace("{app}", app)),
        }
    }

    /// An executable with further arguments; a command has its own.
    #[must_use]
    pub fn with(mut self, arguments: impl IntoIterator<Item = String>) -> Program {
        if let Program::Executable(_, own) = &mut self {
            own.extend(arguments);
        }
        self
    }

    /// What an executable is given beyond the contract.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        match self {
            Program::Executable(_, arguments) => arguments,
            Program::Command(_) => &[],
        }
    }

    /// What to spawn, and where it is told to listen; none where the kernel chooses the port and it says which.
    pub(super) fn command(&self) -> Result<(Command, Option<SocketAddr>)> {
        match self {
            Program::Executable(path, arguments) => {
                let mut command = Command::new(path);
                command.args(["--listen", "127.0.0.1:0"]);
                if !arguments.iter().any(|argument| argument == "--workers") {
                    command.args(["--workers", WORKERS]);
                }
                command.args(arguments);
                Ok((command, None))
            }
            Program::Command(text) => {
                let address = free_address().context("failed to find a free port")?;
                let words = told(text, address)?;
                let mut command = Command::new(found(&words[0])?);
                command.args(&words[1..]);
                Ok((command, Some(address)))
            }
        }
    }
}

/// Where the first word of a command lies.
///
/// # Errors
/// When it is no command line, or no such program is found.
pub fn program_of(text: &str) -> Result<PathBuf> {
    found(&words(text)?[0])
}

/// The words of a command, at least one.
///
/// # Errors
/// When a quote is not closed, or there is no word.
pub fn words(text: &str) -> Result<Vec<String>> {
    match shlex::split(text) {
        Some(words) if !words.is_empty() => Ok(words),
        Some(_) => bail!("the command is empty"),
        None => bail!("the command `{text}` has a quote or a backslash that nothing follows"),
    }
}

/// The words with what they are told.
fn told(text: &str, address: SocketAddr) -> Result<Vec<String>> {
    let replaced = |word: String| {
        word.replace("{port}", &address.port().to_string())
            .replace("{address}", &address.to_string())
            .replace("{workers}", WORKERS)
            .replace("{app}", APP)
    };
    Ok(words(text)?.into_iter().map(replaced).collect())
}

/// A path, or what PATH has under a name.
fn found(program: &str) -> Result<PathBuf> {
    let is_executable = |path: &Path| {
        path.metadata()
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let folders: Vec<PathBuf> = if program.contains('/') {
        vec![PathBuf::new()]
    } else {
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect()
    };
    let paths = folders.iter().map(|folder| folder.join(program));
    let found = paths.into_iter().find(|path| is_executable(path));
    found.with_context(|| {
        format!("command not found: there is no program `{program}`; install it, or write its path")
    })
}

/// A port of loopback that nobody has at this moment.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_where_to_listen_and_keeps_its_quotes() {
        let address = "127.0.0.1:80".parse().unwrap();
        let words = |text| told(text, address).unwrap();
        assert_eq!(
            words("serve --bind={address} -p {port} 'a b {x}' -j{workers} {app}"),
            [
                "serve",
                "--bind=127.0.0.1:80",
                "-p",
                "80",
                "a b {x}",
                "-j1",
                "arena"
            ]
        );
        assert!(told("serve 'x", address).is_err());
        assert!(told(" ", address).is_err());
    }

    #[test]
    fn an_application_is_asked_for_in_the_way_of_each() {
        let command = Program::Command("x {app}".to_owned());
        assert_eq!(
            command.serving("probe"),
            Program::Command("x probe".to_owned())
        );
        let design = Program::Executable("/x".into(), Vec::new());
        let arguments = ["--app", "probe"].map(str::to_owned).to_vec();
        assert_eq!(
            design.serving("probe"),
            Program::Executable("/x".into(), arguments)
        );
    }

    #[test]
    fn a_program_is_found_by_its_path_or_on_the_path() {
        assert!(found("sh").unwrap().is_absolute());
        assert_eq!(found("/bin/sh").unwrap(), Path::new("/bin/sh"));
        let error = found("no-such-program").unwrap_err().to_string();
        assert!(error.contains("no program `no-such-program`"), "{error}");
        assert!(found("/etc/passwd").is_err());
    }
}
