//! An arm: whatever a comparison can start and load.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use crate::design::Design;

/// What is started and loaded; displayed and stored as its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arm {
    /// A design of the matrix, built from this workspace.
    Design(Design),
    /// The floor of a backend: a bare loop that answers a fixed 66 bytes per request head. It shows what the kernel
    /// alone costs.
    Floor(String),
    /// Any other executable that follows the same conventions, such as a design that an older revision built.
    Executable(PathBuf),
}

/// What follows a backend's name in the name of its floor.
pub(crate) const FLOOR: &str = "+floor";

impl Arm {
    /// `uring+split+mimalloc`, `uring+floor`, or a path.
    pub fn name(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Design(design) => design.fmt(f),
            Self::Floor(backend) => f.pad(&format!("{backend}{FLOOR}")),
            Self::Executable(path) => f.pad(&path.to_string_lossy()),
        }
    }
}

impl Serialize for Arm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
