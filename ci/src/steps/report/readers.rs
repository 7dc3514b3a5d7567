//! The readers of other people: Python packages with a script that asks them, and Go's `benchcmp`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::asked;
use crate::checkout::Checkout;
use crate::run::printed;

/// OpenMetrics by Prometheus' own library, JUnit by a reader of many runners' files, JSON by schemas.
const PACKAGES: [&str; 3] = [
    "prometheus_client==0.22.1",
    "junitparser==5.0.3",
    "fastjsonschema==2.21.2",
];

/// Reads every export, and says how many figures it found in which format.
const SCRIPT: &str = "ci/src/steps/report/readers.py";

/// Debian's and Ubuntu's package of Go's own tools; benchcmp is the only one of its readers that is packaged anywhere.
const GO_TOOLS: &str = "golang-golang-x-tools";

pub(super) fn read(checkout: &Checkout, exports: &Path) -> Result<String> {
    let by_python = match python(checkout) {
        Some(mut python) => printed(python.arg(checkout.root().join(SCRIPT)).arg(exports))?
            .trim()
            .to_owned(),
        None => format!(
            "formats NOT read: `python3 -m pip install {}` failed",
            PACKAGES.join(" ")
        ),
    };
    let by_go = match benchcmp(checkout) {
        Some(benchcmp) => format!(
            "{} Go benchmarks",
            go(&benchcmp, &exports.join("go.sweep"))?
        ),
        None => format!("Go format NOT read: `apt-get download {GO_TOOLS}` failed"),
    };
    Ok(format!("{by_python}, {by_go}"))
}

/// Whether the packages, as they are pinned, are what Python finds.
const ARE_FOUND: &str = "\
import sys
from importlib.metadata import version
for pin in sys.argv[1:]:
    name, pinned = pin.split('==')
    assert version(name) == pinned, pin
";

/// A Python that finds the packages.
fn python(checkout: &Checkout) -> Option<Command> {
    let packages = checkout.target().join("tools/readers");
    let python = || {
        let mut python = Command::new("python3");
        python.env("PYTHONPATH", &packages);
        python
    };
    let are_found = || asked(python().args(["-c", ARE_FOUND]).args(PACKAGES));
    if are_found() {
        return Some(python());
    }
    let mut pip = python();
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"])
        .arg("--target")
        .arg(&packages)
        .args(PACKAGES);
    (asked(&mut pip) && are_found()).then(python)
}

fn benchcmp(checkout: &Checkout) -> Option<PathBuf> {
    let folder = checkout.target().join("tools/go");
    let benchcmp = folder.join("usr/bin/benchcmp");
    if benchcmp.exists() {
        return Some(benchcmp);
    }
    let script = "mkdir -p \"$0\" && cd \"$0\" && apt-get download -q \"$1\" && dpkg-deb --fsys-tarfile \"$1\"_*.deb | tar x ./usr/bin/benchcmp && rm \"$1\"_*.deb";
    let mut install = Command::new("sh");
    install.args(["-c", script]).arg(&folder).arg(GO_TOOLS);
    (asked(&mut install) && benchcmp.exists()).then_some(benchcmp)
}

/// How many benchmarks benchcmp finds in a file, when it is told to take the best launch of each.
fn go(benchcmp: &Path, file: &Path) -> Result<usize> {
    let shown = printed(Command::new(benchcmp).arg("-best").args([file, file]))?;
    // Two workloads of six arms, one cell of which does not count; all that is between a launch and itself is nothing.
    let rows = shown
        .lines()
        .filter(|line| line.starts_with("Benchmark") && line.ends_with("+0.00%"));
    let rows: Vec<&str> = rows.collect();
    ensure!(
        rows.len() == 11,
        "failed to find 11 benchmarks in what benchcmp printed:\n{shown}"
    );
    let has = |name: &str| rows.iter().any(|row| row.starts_with(name));
    ensure!(
        has("BenchmarkBaseline/backend=uring/buffers=split/allocator=system-1 "),
        "failed to find a design by its axes in what benchcmp printed:\n{shown}"
    );
    Ok(rows.len())
}
