//! From what somebody writes to the arm that is meant.
//!
//! ```text
//! epoll+split+system            a design           HEAD~1:epoll+split+system   the same of a revision
//! epoll+floor                   a floor            @HEAD~1                     at that revision, what is named beside it
//! ./server                      an executable      peer:hyper                  a server below matrix/peers
//! hello                         what --peer hello='…' starts
//! ```

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::{Axes, SERVER};
use crate::arm::{Arm, Commanded, FLOOR, PEER};
use crate::design::Design;
use crate::revision::Commit;
use crate::workspace::Workspace;

/// What the name of a peer's package begins with.
const PEER_PACKAGE: &str = "orthant-peer-";

/// The package of a peer.
pub(crate) fn peer_package(name: &str) -> String {
    format!("{PEER_PACKAGE}{name}")
}

impl Axes {
    /// The arms that texts name, in their order. `@REVISION` stands for what is named beside it, at that revision, or for
    /// the default design where nothing is.
    ///
    /// # Errors
    /// When there is none of such a name.
    pub fn arms(&self, texts: &[String], peers: &[Commanded]) -> Result<Vec<Arm>> {
        let beside: Vec<Option<Arm>> = texts
            .iter()
            .map(|text| match alike(text) {
                Some(_) => Ok(None),
                None => self.named(text, peers).map(Some),
            })
            .collect::<Result<_>>()?;
        let mut kinds: Vec<String> = beside.iter().flatten().filter_map(Arm::kind).collect();
        kinds.dedup();
        if beside.iter().all(Option::is_none) {
            kinds = vec![self.default_design()?.name()];
        }
        let mut arms = Vec::new();
        for (text, arm) in texts.iter().zip(beside) {
            match (arm, alike(text)) {
                (Some(arm), _) => arms.push(arm),
                (None, revision) => {
                    ensure!(
                        !kinds.is_empty(),
                        "failed to understand {text}: no design is named beside it; write \
                         {}:epoll+split+system",
                        &text[1..]
                    );
                    let commit = Commit::of(self.workspace(), revision.unwrap_or_default())?;
                    let revised = |kind: &String| Arm::Revised(commit.clone(), kind.clone());
                    arms.extend(kinds.iter().map(revised));
                }
            }
        }
        Ok(arms)
    }

    /// The arm that a text names by itself.
    ///
    /// # Errors
    /// When there is none of such a name.
    pub fn arm(&self, text: &str) -> Result<Arm> {
        let texts = [text.to_owned()];
        let mut arms = self.arms(&texts, &[])?;
        arms.pop()
            .with_context(|| format!("failed to find the arm `{text}`"))
    }

    fn named(&self, text: &str, peers: &[Commanded]) -> Result<Arm> {
        if let Some(peer) = peers.iter().find(|peer| peer.name == text) {
            return Ok(Arm::Commanded(peer.clone()));
        }
        if let Some(name) = text.strip_prefix(PEER) {
            return self.peer(name);
        }
        let is_path = text.contains('/');
        if is_path && Path::new(text).is_file() {
            return Ok(Arm::Executable(text.into()));
        }
        match text.rsplit_once(':') {
            Some((revision, name)) if !text.starts_with(['.', '/']) && !name.contains('/') => {
                ensure!(
                    !name.is_empty(),
                    "failed to understand {text}: the name of a design belongs behind the colon, such as \
                     {text}epoll+split+system"
                );
                let commit = Commit::of(self.workspace(), revision)?;
                Ok(Arm::Revised(commit, self.short(name)))
            }
            _ if is_path => bail!(
                "failed to find an executable at {text}: an arm with a slash in it is a path; `cargo matrix list` shows the \
                 names of designs and floors"
            ),
            _ => self.built_here(text),
        }
    }

    /// The name without what is unnamed, which earlier revisions do not know; as it is where it is none of today's.
    pub(crate) fn short(&self, name: &str) -> String {
        let design = self.design(name);
        design.map_or_else(|_| name.to_owned(), |design| design.name())
    }

    /// The design or the floor of this name, built from this workspace.
    pub(crate) fn built_here(&self, name: &str) -> Result<Arm> {
        if !name.ends_with(FLOOR) {
            return self.design(name).map(Arm::Design);
        }
        let floors = self.floors();
        let Some(floor) = floors.iter().find(|floor| floor.name() == name) else {
            let known: Vec<_> = floors.iter().map(Arm::name).collect();
            bail!(
                "failed to find the floor `{name}`: there is {}",
                known.join(", ")
            );
        };
        Ok(floor.clone())
    }

    /// The design that users of the library get who choose nothing.
    pub(crate) fn default_design(&self) -> Result<Design> {
        let features = &self.workspace().package(SERVER)?.features;
        let default = features.get("default").map_or(&[][..], Vec::as_slice);
        let is_default = |design: &Design| {
            let mut values = design.values();
            values.all(|value| default.iter().any(|default| default == value))
        };
        let found = self.designs().into_iter().find(is_default);
        found.context("failed to find a default design: name one")
    }

    /// The servers of others that can be built here, as arms.
    ///
    /// # Errors
    /// When their workspace cannot be read.
    pub fn peers(&self) -> Result<Vec<Arm>> {
        let peers = self.peers_workspace()?;
        let names = peers
            .packages()
            .iter()
            .filter_map(|package| package.name.strip_prefix(PEER_PACKAGE).map(str::to_owned));
        Ok(names.map(Arm::Peer).collect())
    }

    /// The workspace of the servers of others.
    pub(crate) fn peers_workspace(&self) -> Result<Workspace> {
        Workspace::read_in(&self.workspace().root().join("matrix/peers"))
    }

    fn peer(&self, name: &str) -> Result<Arm> {
        let peers = self.peers()?;
        let asked = Arm::Peer(name.to_owned());
        if !peers.contains(&asked) {
            let known: Vec<_> = peers.iter().map(Arm::name).collect();
            bail!(
                "failed to find {asked}: there is {}; --peer NAME='COMMAND --port {{port}}' takes any other server",
                known.join(", ")
            );
        }
        Ok(asked)
    }
}

/// The revision of `@REVISION`.
fn alike(text: &str) -> Option<&str> {
    text.strip_prefix('@')
        .filter(|revision| !revision.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(result: Result<Arm>) -> String {
        format!("{:#}", result.expect_err("this must be refused"))
    }

    fn names(texts: &[&str]) -> Result<Vec<String>> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let peers = ["hello=serve {port}".parse().unwrap()];
        let arms = Axes::read()?.arms(&texts, &peers)?;
        Ok(arms.iter().map(Arm::name).collect())
    }

    #[test]
    fn an_arm_is_a_design_a_floor_or_a_path() {
        let axes = Axes::read().unwrap();
        let design = axes.design("epoll+flat+system").unwrap();
        assert_eq!(axes.arm("epoll+flat+system").unwrap(), Arm::Design(design));
        assert_eq!(
            axes.arm("/bin/sh").unwrap(),
            Arm::Executable("/bin/sh".into())
        );
        for path in ["./no/such/file", "./no:such", "a/b"] {
            let error = error(axes.arm(path));
            assert!(
                error.contains(&format!("failed to find an executable at {path}")),
                "{error}"
            );
        }
        assert!(
            error(axes.arm("nothing+floor")).contains("failed to find the floor `nothing+floor`")
        );
    }

    #[test]
    fn a_revision_stands_before_a_colon_or_takes_what_is_named_beside_it() {
        let axes = Axes::read().unwrap();
        let head = Commit::of(axes.workspace(), "HEAD").unwrap();
        let at_head = |name: &str| format!("{}:{name}", head.short());
        assert_eq!(
            names(&["@HEAD", "uring+flat+system", "@:epoll+floor"]).unwrap(),
            [
                &at_head("uring+flat+system")[..],
                &at_head("epoll+floor"),
                "uring+flat+system",
                &at_head("epoll+floor")
            ]
        );
        assert_eq!(
            names(&["@HEAD", "@HEAD"]).unwrap(),
            [at_head("epoll+split+system"), at_head("epoll+split+system")]
        );
        for (texts, says) in [
            (
                &["no-such:epoll+floor"][..],
                "failed to find the revision `no-such`",
            ),
            (&["@no-such"], "failed to find the revision `no-such`"),
            (&["HEAD:"], "behind the colon"),
            (&["@HEAD", "hello"], "no design is named beside it"),
        ] {
            let error = names(texts).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_peer_is_a_package_or_a_command() {
        assert_eq!(
            names(&["peer:hyper", "hello"]).unwrap(),
            ["peer:hyper", "hello"]
        );
        let error = names(&["peer:nobody"]).unwrap_err().to_string();
        assert!(error.contains("there is peer:"), "{error}");
        assert!(error.contains("peer:hyper"), "{error}");
    }
}
