//! Running a command so that whoever reads the log sees what ran, and what to do when it fails.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::checkout::Checkout;

/// A cargo command in the root of the checkout, with the installed tools found first.
pub fn cargo<S: AsRef<OsStr>>(
    checkout: &Checkout,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments)
        .current_dir(checkout.root())
        .env("PATH", path(checkout.target()));
    command
}

/// Runs it; its output goes where ours goes.
pub fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    let status = command
        .status()
        .with_context(|| format!("failed to start `{}`", shown(command)))?;
    ensure!(
        status.success(),
        "failed to run `{}`: {status}; its own words are above",
        shown(command)
    );
    Ok(())
}

/// Runs it and keeps its output, whether it fails or not.
pub fn output(command: &mut Command) -> Result<Output> {
    println!("$ {}", shown(command));
    command
        .output()
        .with_context(|| format!("failed to start `{}`", shown(command)))
}

/// Runs it and returns what it printed; its complaints are part of the error.
pub fn printed(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "failed to run `{}`: {}\n{complaints}",
        shown(command),
        output.status
    );
    String::from_utf8(output.stdout)
        .with_context(|| format!("failed to read what `{}` printed", shown(command)))
}

/// Runs it and returns the JSON that it printed, where it ends with one of these codes; its complaints go where ours go.
pub fn findings(command: &mut Command, codes: &[i32]) -> Result<Value> {
    let output = output(command.stderr(Stdio::inherit()))?;
    let judged = output
        .status
        .code()
        .is_some_and(|code| codes.contains(&code));
    ensure!(
        judged,
        "failed to run `{}`: {}; its own words are above",
        shown(command),
        output.status
    );
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("failed to read what `{}` printed as JSON", shown(command)))
}

/// The entries of an array in an object; none if there is no such array.
pub fn items<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    object[name].as_array().into_iter().flatten()
}

/// The command as somebody would type it.
pub fn shown(command: &Command) -> String {
    let words = command.get_args().map(OsStr::to_string_lossy);
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    std::iter::once(program)
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

fn path(target: &Path) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [target.join("tools/bin")]
        .into_iter()
        .chain(env::split_paths(&path));
    env::join_paths(folders).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command() {
        let error = run(Command::new("false").arg("-x"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("failed to run `false -x`: exit status: 1"),
            "{error}"
        );
        let error = run(&mut Command::new("/no/such/program"))
            .unwrap_err()
            .to_string();
        assert_eq!(error, "failed to start `program`");
    }

    #[test]
    fn findings_are_json_with_a_code_that_is_expected() {
        let mut found = Command::new("sh");
        found.args(["-c", "echo '[4]'; exit 4"]);
        assert_eq!(findings(&mut found, &[0, 4]).unwrap()[0], 4);
        let error = findings(&mut found, &[0, 5]).unwrap_err().to_string();
        assert!(error.contains("exit status: 4; its own words"), "{error}");
        let error = findings(Command::new("echo").arg("a"), &[0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to read what `echo a` printed as JSON"
        );
    }

    #[test]
    fn what_was_printed_comes_back() {
        assert_eq!(printed(Command::new("echo").arg("a")).unwrap(), "a\n");
        let error = printed(Command::new("sh").args(["-c", "echo why >&2; exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("exit status: 3\nwhy\n"), "{error}");
    }
}
