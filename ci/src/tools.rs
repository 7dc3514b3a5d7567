//! Programs that are no part of Rust: those that must be there, and those that are installed below `target/tools`.
//!
//! Tools are built without optimisation: they run for seconds, and building them optimised takes minutes.

use std::env;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::checkout::Checkout;
use crate::run::{cargo, run};

/// A cargo subcommand of one exact version.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// The package and the program.
    pub name: &'static str,
    /// The version; another one is replaced.
    pub version: &'static str,
}

/// Walks sets of features.
pub const CARGO_HACK: Tool = Tool {
    name: "cargo-hack",
    version: "0.6.46",
};

/// Judges dependencies: licences, sources, bans, advisories.
pub const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

impl Tool {
    /// Installs it below the target directory unless that very version is found there or on the PATH.
    pub fn install(self, checkout: &Checkout) -> Result<()> {
        if self.is_there(checkout) {
            return Ok(());
        }
        let install = [
            "install",
            "--locked",
            "--debug",
            "--force",
            "--version",
            self.version,
            self.name,
            "--root",
        ];
        let mut command = cargo(checkout, install);
        command.arg(checkout.target().join("tools"));
        // What the installation leaves behind goes to a folder of its own, which cargo removes.
        command
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        run(&mut command)
    }

    /// Asks the program itself: `cargo hack --version` prints `cargo-hack 0.6.46`.
    fn is_there(self, checkout: &Checkout) -> bool {
        let subcommand = self.name.strip_prefix("cargo-").unwrap_or(self.name);
        let printed = cargo(checkout, [subcommand, "--version"]).output();
        printed.is_ok_and(|output| {
            String::from_utf8_lossy(&output.stdout).trim()
                == format!("{} {}", self.name, self.version)
        })
    }
}

/// Something this machine must bring along: how to ask for it, what it is for, how to get it.
struct Prerequisite {
    ask: &'static [&'static str],
    purpose: &'static str,
    get: &'static str,
}

const PREREQUISITES: [Prerequisite; 4] = [
    Prerequisite {
        ask: &["cc", "--version"],
        purpose: "mimalloc and jemalloc are built from C",
        get: "install a C compiler (Debian: apt-get install gcc libc6-dev; Fedora: dnf install gcc)",
    },
    Prerequisite {
        ask: &["make", "--version"],
        purpose: "jemalloc's build is driven by make",
        get: "install make (Debian: apt-get install make; Fedora: dnf install make)",
    },
    Prerequisite {
        ask: &["cargo", "fmt", "--version"],
        purpose: "the step `fmt` runs it",
        get: "rustup component add rustfmt",
    },
    Prerequisite {
        ask: &["cargo", "clippy", "--version"],
        purpose: "the step `clippy` runs it",
        get: "rustup component add clippy",
    },
];

/// Refuses to start when the machine lacks something, naming all of it at once.
pub fn require() -> Result<()> {
    let missing: Vec<_> = PREREQUISITES.iter().filter_map(missing).collect();
    ensure!(
        missing.is_empty(),
        "failed to find what the checks need:\n{}",
        missing.join("\n")
    );
    Ok(())
}

/// A line that says what to do, if it is missing. `CC` names another C compiler.
fn missing(prerequisite: &Prerequisite) -> Option<String> {
    let Prerequisite { ask, purpose, get } = prerequisite;
    let compiler = env::var("CC").ok().filter(|_| ask[0] == "cc");
    let program = compiler.unwrap_or_else(|| ask[0].to_owned());
    let status = Command::new(&program)
        .args(&ask[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let there = status.is_ok_and(|status| status.success());
    (!there).then(|| {
        format!(
            "  `{program} {}`, because {purpose}: {get}",
            ask[1..].join(" ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_says_what_it_is_for_and_how_to_get_it() {
        let there = Prerequisite {
            ask: &["true"],
            purpose: "p",
            get: "g",
        };
        assert_eq!(missing(&there), None);
        let gone = Prerequisite {
            ask: &["no-such-program", "-v"],
            purpose: "p",
            get: "g",
        };
        assert_eq!(
            missing(&gone).unwrap(),
            "  `no-such-program -v`, because p: g"
        );
        let broken = Prerequisite {
            ask: &["false"],
            purpose: "p",
            get: "g",
        };
        assert!(missing(&broken).is_some());
    }
}
