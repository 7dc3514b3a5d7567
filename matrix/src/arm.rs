//! An arm: whatever a comparison can start and load.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::design::Design;
use crate::process::words;
use crate::revision::Commit;

/// What is started and loaded; displayed and stored as its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arm {
    /// A design of the matrix, built from this workspace.
    Design(Design),
    /// The floor of a backend: a bare loop that answers a fixed 66 bytes per request head. It shows what the kernel
    /// alone costs.
    Floor(String),
    /// A design or a floor of this name as a revision of the repository has it.
    Revised(Commit, String),
    /// A server of others, built from the workspace `matrix/peers`.
    Peer(String),
    /// A server of others that a command starts.
    Commanded(Commanded),
    /// Any other executable that follows the same conventions.
    Executable(PathBuf),
}

/// What follows a backend's name in the name of its floor.
pub(crate) const FLOOR: &str = "+floor";

/// What stands before a peer's name in the name of its arm.
pub(crate) const PEER: &str = "peer:";

impl Arm {
    /// `uring+split+mimalloc`, `uring+floor`, `abc1234:uring+split+mimalloc`, `peer:hyper`, the name of a command, or a
    /// path.
    pub fn name(&self) -> String {
        self.to_string()
    }

    /// The name of the design or the floor that it is, at whichever revision.
    #[must_use]
    pub fn kind(&self) -> Option<String> {
        match self {
            Self::Design(_) | Self::Floor(_) => Some(self.name()),
            Self::Revised(_, name) => Some(name.clone()),
            Self::Peer(_) | Self::Commanded(_) | Self::Executable(_) => None,
        }
    }

    /// Whether it is a floor.
    #[must_use]
    pub fn is_floor(&self) -> bool {
        self.kind().is_some_and(|kind| kind.ends_with(FLOOR))
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Design(design) => design.fmt(f),
            Self::Floor(backend) => f.pad(&format!("{backend}{FLOOR}")),
            Self::Revised(commit, name) => f.pad(&format!("{}:{name}", commit.short())),
            Self::Peer(name) => f.pad(&format!("{PEER}{name}")),
            Self::Commanded(commanded) => f.pad(&commanded.name),
            Self::Executable(path) => f.pad(&path.to_string_lossy()),
        }
    }
}

impl Serialize for Arm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A server that a command starts, as `--peer NAME=COMMAND` gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commanded {
    /// What it is called.
    pub name: String,
    /// Its words, with `{port}` or `{address}` where it is to be told.
    pub command: String,
}

impl FromStr for Commanded {
    type Err = String;

    fn from_str(text: &str) -> Result<Commanded, String> {
        let example = "write it like --peer hello='./hello --port {port}'";
        let (name, command) = text
            .split_once('=')
            .ok_or_else(|| format!("there is no `=` behind a name; {example}"))?;
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.is_empty() || name.starts_with('-') || !name.chars().all(is_plain) {
            return Err(format!(
                "`{name}` is no name: letters, digits, `-`, `_` and `.` may stand in one; {example}"
            ));
        }
        words(command).map_err(|error| format!("{error}; {example}"))?;
        if !["{port}", "{address}"]
            .iter()
            .any(|told| command.contains(told))
        {
            return Err(format!(
                "the command is not told where to listen: {{port}} or {{address}} has to stand in it; {example}"
            ));
        }
        Ok(Commanded {
            name: name.to_owned(),
            command: command.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_a_name_and_is_told_where_to_listen() {
        let given: Commanded = "a.b-1=env X=1 serve --port {port}".parse().unwrap();
        assert_eq!(given.name, "a.b-1");
        assert_eq!(given.command, "env X=1 serve --port {port}");
        for (text, says) in [
            ("serve {port}", "no `=`"),
            ("a+b=serve {port}", "`a+b` is no name"),
            ("=serve {port}", "`` is no name"),
            ("a=serve", "not told where to listen"),
            ("a= ", "the command is empty"),
            ("a='serve {port}", "a quote"),
        ] {
            let error = text.parse::<Commanded>().unwrap_err();
            assert!(error.contains(says), "{error}");
            assert!(error.contains("write it like --peer"), "{error}");
        }
    }
}
