//! Which package may depend on which: the arrows of the architecture.
//!
//! ```text
//!            conformance ◄── matrix, tests of core, backends and server
//!   core ◄── tasks ◄── backends ◄── server ──► allocators          harness ──► server
//!     ▲──────────────────┴────────────┘
//! ```
//!
//! Core and the allocators depend on nothing of ours, the peers below matrix on their common routes alone, backends do not
//! see each other, and the matrix links nothing that it measures: it could no longer tell a design's cost from its own.

use anyhow::{Result, bail};

use crate::checkout::Checkout;

/// A dependency of one package of the workspace on another, by folder, such as `backends/epoll` on `core`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    from: String,
    to: String,
    /// Whether only tests, examples and benchmarks take it.
    only_tests: bool,
}

/// What packages below a folder may depend on.
struct Layer {
    folder: &'static str,
    /// What their code may depend on, and so their tests too.
    code: &'static [&'static str],
    /// What their tests may depend on beyond that.
    tests: &'static [&'static str],
    /// What to do instead.
    advice: &'static str,
}

const LAYERS: [Layer; 10] = [
    Layer {
        folder: "core",
        code: &[],
        tests: &["conformance"],
        advice: "core sees nothing of ours: take what it needs as an argument or a trait of core",
    },
    Layer {
        folder: "tasks",
        code: &["core"],
        tests: &[],
        advice: "tasks shares a worker of core among tasks and knows no runtime",
    },
    Layer {
        folder: "backends",
        code: &["core", "tasks"],
        tests: &["conformance"],
        advice: "a backend sees core, and tasks where its runtime is built on them: move what two backends share there",
    },
    Layer {
        folder: "allocators",
        code: &[],
        tests: &[],
        advice: "an allocator sees nothing of ours: repeat the few lines, or let the server pass them in",
    },
    Layer {
        folder: "server",
        code: &["core", "backends", "allocators"],
        tests: &["conformance"],
        advice: "the server assembles core, backends and allocators: what measures it starts it as a process",
    },
    Layer {
        folder: "harness",
        code: &["server"],
        tests: &[],
        advice: "the harness is an application of the server: write against it as its users do",
    },
    Layer {
        folder: "conformance",
        code: &[],
        tests: &[],
        advice: "conformance fits any HTTP server: speak bytes only",
    },
    Layer {
        folder: PEERS,
        code: &["matrix/peers/routes"],
        tests: &[],
        advice: "a peer is somebody else's server: write against it as its users do",
    },
    Layer {
        folder: "matrix",
        code: &["conformance"],
        tests: &[],
        advice: "the matrix links nothing that it measures: start the design's executable instead",
    },
    Layer {
        folder: "ci",
        code: &[],
        tests: &[],
        advice: "ci must work while the rest is broken: run it as a command",
    },
];

/// A workspace of its own.
const PEERS: &str = "matrix/peers";

/// A backend for tests alone: it is started, not linked.
const TESTS_ALONE: &str = "backends/sim";

/// The arrows between the workspace's packages; an error when a package lies in no known folder.
pub fn arrows(checkout: &Checkout) -> Result<Vec<Arrow>> {
    let peers = checkout.nested(PEERS)?;
    let mut arrows = arrows_in(checkout, "")?;
    arrows.extend(arrows_in(&peers, &format!("{PEERS}/"))?);
    Ok(arrows)
}

/// Those of one workspace, whose folders stand behind a prefix.
fn arrows_in(checkout: &Checkout, prefix: &str) -> Result<Vec<Arrow>> {
    let folder = |package| format!("{prefix}{}", checkout.folder(package));
    let mut arrows = Vec::new();
    for package in checkout.packages() {
        let from = folder(package);
        if layer(&from).is_none() {
            let known: Vec<_> = LAYERS.iter().map(|layer| layer.folder).collect();
            bail!(
                "failed to place package {from}: move it below one of {}, or add its layer here",
                known.join(", ")
            );
        }
        for dependency in &package.dependencies {
            let to = checkout
                .packages()
                .iter()
                .find(|other| other.name.as_str() == dependency.name);
            if let Some(to) = to.filter(|_| dependency.path.is_some()) {
                let only_tests = dependency.kind == cargo_metadata::DependencyKind::Development;
                arrows.push(Arrow {
                    from: from.clone(),
                    to: folder(to),
                    only_tests,
                });
            }
        }
    }
    Ok(arrows)
}

/// A sentence for each arrow that must not be.
pub fn violations(arrows: &[Arrow]) -> Vec<String> {
    arrows.iter().filter_map(violation).collect()
}

fn violation(
    Arrow {
        from,
        to,
        only_tests,
    }: &Arrow,
) -> Option<String> {
    let layer = layer(from)?;
    if to == TESTS_ALONE {
        return Some(format!(
            "{from} must not depend on {to}: it is for tests alone, and no value of an axis"
        ));
    }
    let reaches = |folders: &[&str]| folders.iter().any(|folder| below(to, folder));
    if reaches(layer.code) || (*only_tests && reaches(layer.tests)) {
        return None;
    }
    let whose = if *only_tests { "the tests of " } else { "" };
    Some(format!(
        "{whose}{from} must not depend on {to}: {}",
        layer.advice
    ))
}

fn layer(folder: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| below(folder, layer.folder))
}

fn below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrow(from: &str, to: &str, only_tests: bool) -> Arrow {
        Arrow {
            from: from.to_owned(),
            to: to.to_owned(),
            only_tests,
        }
    }

    #[test]
    fn the_arrows_of_the_design_are_allowed() {
        let allowed = [
            arrow("backends/epoll", "core", false),
            arrow("backends/tokio", "tasks", false),
            arrow("tasks", "core", false),
            arrow("server", "core", false),
            arrow("server", "backends/uring", false),
            arrow("server", "allocators/system", false),
            arrow("matrix", "conformance", false),
            arrow("matrix/peers/hyper", "matrix/peers/routes", false),
            arrow("core", "conformance", true),
            arrow("backends/epoll", "conformance", true),
        ];
        assert_eq!(violations(&allowed), [""; 0]);
    }

    #[test]
    fn every_other_arrow_is_refused() {
        for (from, to, only_tests) in [
            ("core", "backends/epoll", false),
            ("core", "conformance", false),
            ("core", "tasks", false),
            ("tasks", "backends/tokio", false),
            ("server", "tasks", false),
            ("server", "backends/sim", false),
            ("backends/epoll", "backends/uring", false),
            ("backends/epoll", "allocators/system", true),
            ("allocators/jemalloc", "allocators/system", false),
            ("allocators/jemalloc", "core", true),
            ("server", "matrix", false),
            ("matrix", "server", true),
            ("matrix", "core", false),
            ("matrix", "matrix/peers/hyper", true),
            ("matrix/peers/hyper", "core", false),
            ("matrix/peers/hyper", "conformance", false),
            ("conformance", "core", true),
            ("ci", "matrix", false),
        ] {
            assert_eq!(
                violations(&[arrow(from, to, only_tests)]).len(),
                1,
                "{from} → {to}"
            );
        }
    }

    #[test]
    fn a_violation_says_what_to_do() {
        assert_eq!(
            violations(&[arrow("backends/epoll", "backends/uring", false)]),
            [
                "backends/epoll must not depend on backends/uring: a backend sees core, and tasks where its runtime is \
                 built on them: move what two backends share there"
            ]
        );
        let tests = violations(&[arrow("allocators/system", "core", true)]);
        assert!(
            tests[0].starts_with("the tests of allocators/system must not"),
            "{tests:?}"
        );
    }

    #[test]
    fn the_workspace_has_arrows_and_none_is_wrong() {
        let arrows = arrows(&Checkout::read().unwrap()).unwrap();
        assert!(
            arrows.contains(&arrow("backends/epoll", "core", false)),
            "{arrows:?}"
        );
        assert_eq!(violations(&arrows), [""; 0]);
    }
}
