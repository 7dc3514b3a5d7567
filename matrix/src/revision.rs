//! Revisions of the repository: which commit somebody means, and a checkout of it to build from.
//!
//! There is one checkout, `target/revisions/checkout`, a repository of its own that borrows the objects of the user's: so
//! nothing of the user's checkout, index or list of worktrees is touched, and a commit that follows another one rewrites
//! the files that differ, so that cargo compiles only those again. Whoever uses it holds the lock of the builds.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

/// Letters of a commit in the name of an arm.
const SHORT: usize = 7;

/// Where git was told that it works; in the checkout it finds that by itself.
const ELSEWHERE: [&str; 3] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"];

/// A commit, by all its letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commit(String);

impl Commit {
    /// The commit that somebody means by a name that git knows.
    ///
    /// # Errors
    /// When git knows none.
    pub fn of(workspace: &Workspace, revision: &str) -> Result<Commit> {
        let asked = format!("{revision}^{{commit}}");
        let arguments = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &asked,
        ];
        let known = git(workspace.root(), &arguments).ok();
        let commit = known.filter(|_| !revision.is_empty()).with_context(|| {
            format!(
                "failed to find the revision `{revision}` in {}: `git log --oneline` shows some, and a shallow clone has \
                 few; an arm is written like HEAD~1:epoll+split+system",
                workspace.root().display()
            )
        })?;
        Ok(Commit(commit))
    }

    /// The commits after one and up to another, oldest first; of a merge the side it was made on, alone.
    ///
    /// # Errors
    /// When git fails.
    pub fn between(workspace: &Workspace, good: &Commit, bad: &Commit) -> Result<Vec<Commit>> {
        let range = format!("{good}..{bad}");
        let arguments = ["rev-list", "--first-parent", "--reverse", &range];
        let listed = git(workspace.root(), &arguments)?;
        Ok(listed.lines().map(|line| Commit(line.to_owned())).collect())
    }

    /// Whether it is an ancestor of another one along first parents.
    ///
    /// # Errors
    /// When git fails.
    pub fn leads_to(&self, workspace: &Workspace, later: &Commit) -> Result<bool> {
        let line = git(workspace.root(), &["rev-list", "--first-parent", &later.0])?;
        Ok(line.lines().any(|commit| commit == self.0))
    }

    /// Its title.
    ///
    /// # Errors
    /// When git fails.
    pub fn title(&self, workspace: &Workspace) -> Result<String> {
        git(
            workspace.root(),
            &["show", "--no-patch", "--format=%s", &self.0],
        )
    }

    /// Its first letters.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..SHORT.min(self.0.len())]
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes the checkout that of a commit, and says where it lies.
///
/// # Errors
/// When git fails, or the folder cannot be written.
pub(crate) fn checked_out(workspace: &Workspace, commit: &Commit) -> Result<PathBuf> {
    let folder = workspace.target().join("revisions/checkout");
    // Whatever is wrong with it, a kill in the middle or a clone that was moved, is mended by a new one.
    if switched(&folder, commit).is_err() {
        made(workspace, &folder)?;
        switched(&folder, commit)?;
    }
    Ok(folder)
}

/// A new repository without anything of its own.
fn made(workspace: &Workspace, folder: &Path) -> Result<()> {
    let context = || format!("failed to make {} anew; make it writable", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(context)?;
    }
    fs::create_dir_all(folder).with_context(context)?;
    git(folder, &["init", "--quiet", "--template="])?;
    let objects = [
        "rev-parse",
        "--path-format=absolute",
        "--git-path",
        "objects",
    ];
    let objects = git(workspace.root(), &objects)?;
    let alternates = folder.join(".git/objects/info/alternates");
    fs::create_dir_all(folder.join(".git/objects/info")).with_context(context)?;
    fs::write(alternates, objects + "\n").with_context(context)
}

fn switched(folder: &Path, commit: &Commit) -> Result<()> {
    // Without a repository of its own git would take the one around it.
    ensure!(folder.join(".git").is_dir(), "there is none yet");
    let checkout = [
        "-c",
        "core.hooksPath=/dev/null",
        "checkout",
        "--quiet",
        "--force",
        "--detach",
    ];
    git(folder, &[&checkout[..], &[&commit.0]].concat())?;
    git(folder, &["clean", "-ffdxq"])?;
    Ok(())
}

/// What git prints, trimmed.
fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let shown = || format!("git -C {} {}", folder.display(), arguments.join(" "));
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    if folder.ends_with("revisions/checkout") {
        ELSEWHERE.iter().for_each(|name| {
            command.env_remove(name);
        });
    }
    let output = command
        .output()
        .with_context(|| format!("failed to start `{}`: install git", shown()))?;
    ensure!(
        output.status.success(),
        "failed to run `{}`: {}",
        shown(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with a package, three commits to its one source, and the third of them a merge.
    fn repository() -> (tempfile::TempDir, Workspace, Vec<Commit>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let run = |arguments: &[&str]| {
            let who = ["-c", "user.name=a", "-c", "user.email=a@b"];
            git(path, &[&who[..], arguments].concat()).unwrap()
        };
        let manifest = "[package]\nname = \"a\"\nversion = \"0.1.0\"\n[workspace]\n";
        fs::write(path.join("Cargo.toml"), manifest).unwrap();
        fs::write(path.join(".gitignore"), "target\n").unwrap();
        fs::create_dir(path.join("src")).unwrap();
        run(&["init", "--quiet", "--initial-branch=main"]);
        for source in ["// 0\n", "// 1\n"] {
            fs::write(path.join("src/lib.rs"), source).unwrap();
            run(&["add", "-A"]);
            run(&["commit", "--quiet", "-m", source]);
        }
        run(&["checkout", "--quiet", "-b", "side"]);
        run(&["commit", "--quiet", "--allow-empty", "-m", "aside"]);
        run(&["checkout", "--quiet", "main"]);
        run(&["merge", "--quiet", "--no-ff", "-m", "merged", "side"]);
        let workspace = Workspace::read_in(path).unwrap();
        let commit = |revision| Commit::of(&workspace, revision).unwrap();
        let commits = ["HEAD~2", "HEAD~1", "HEAD"].map(commit).to_vec();
        (folder, workspace, commits)
    }

    #[test]
    fn a_checkout_follows_commits_and_leaves_the_repository_alone() {
        let (folder, workspace, commits) = repository();
        let lib = |checkout: &Path| fs::read_to_string(checkout.join("src/lib.rs")).unwrap();
        let checkout = checked_out(&workspace, &commits[0]).unwrap();
        assert_eq!(lib(&checkout), "// 0\n");
        // What a build left there.
        fs::write(checkout.join("src/lib.rs"), "half").unwrap();
        fs::write(checkout.join("stray"), "").unwrap();
        assert_eq!(checked_out(&workspace, &commits[1]).unwrap(), checkout);
        assert_eq!(lib(&checkout), "// 1\n");
        assert!(!checkout.join("stray").exists());
        // What a kill in the middle of a checkout leaves.
        fs::write(checkout.join("src/lib.rs"), "half").unwrap();
        fs::write(checkout.join(".git/index.lock"), "").unwrap();
        checked_out(&workspace, &commits[1]).unwrap();
        assert_eq!(lib(&checkout), "// 1\n");
        let head = git(&checkout, &["rev-parse", "HEAD"]).unwrap();
        assert_eq!(head, commits[1].to_string());
        let of_user = |arguments: &[&str]| git(folder.path(), arguments).unwrap();
        assert_eq!(of_user(&["status", "--porcelain"]), "");
        assert_eq!(of_user(&["worktree", "list"]).lines().count(), 1);
        assert_eq!(of_user(&["rev-parse", "HEAD"]), commits[2].to_string());
    }

    #[test]
    fn a_history_goes_along_first_parents() {
        let (_folder, workspace, commits) = repository();
        let between = Commit::between(&workspace, &commits[0], &commits[2]).unwrap();
        assert_eq!(between, commits[1..]);
        assert!(commits[0].leads_to(&workspace, &commits[2]).unwrap());
        assert!(!commits[2].leads_to(&workspace, &commits[0]).unwrap());
        let side = Commit::of(&workspace, "side").unwrap();
        assert!(!side.leads_to(&workspace, &commits[2]).unwrap());
        assert_eq!(commits[2].title(&workspace).unwrap(), "merged");
        let error = Commit::of(&workspace, "--all").unwrap_err().to_string();
        assert!(
            error.contains("failed to find the revision `--all`"),
            "{error}"
        );
    }
}
