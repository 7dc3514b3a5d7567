//! What `/metrics` says is OpenMetrics, as the parser of Prometheus' own Python library reads it: another's reading, which
//! no test of ours can stand for. The library is installed below `target/tools`.
//!
//! Where Python, pip or the package cannot be had, the step says so in the summary and passes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, output, printed, run};

/// The library and its version.
const PACKAGE: &str = "prometheus_client==0.22.1";

/// Reads the page, its media type and every family, and compares with what this script has asked for before.
const SCRIPT: &str = r##"
import sys, urllib.error, urllib.request
from prometheus_client.openmetrics.parser import text_string_to_metric_families
server, admin = sys.argv[1:]
get = lambda url: urllib.request.urlopen(url, timeout=10)
for path in ["pipeline", "healthz", "nothing", "healthz"]:
    try: get(f"http://{server}/{path}").read()
    except urllib.error.HTTPError as error: assert error.code == 404, error
answer = get(f"http://{admin}/metrics")
media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"
assert answer.headers["Content-Type"] == media_type, answer.headers["Content-Type"]
families = list(text_string_to_metric_families(answer.read().decode("utf-8")))
names = [family.name for family in families]
assert len(names) == len(set(names)) and all(family.documentation for family in families), names
assert all(family.samples for family in families), [f.name for f in families if not f.samples]
requests = next(family for family in families if family.name == "orthant_requests")
count = lambda c: sum(s.value for s in requests.samples if s.labels["class"] == c)
assert requests.type == "counter" and (count("2xx"), count("4xx")) == (3, 1), requests
print(len(families), sum(len(family.samples) for family in families))
"##;

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    let packages = checkout.target().join("tools/python");
    let python = || {
        let mut python = Command::new("python3");
        python.env("PYTHONPATH", &packages);
        python
    };
    if !asked(python().args(["-c", "import prometheus_client"])) {
        let mut pip = python();
        pip.args(["-m", "pip", "install", "--quiet", "--target"])
            .arg(&packages)
            .arg(PACKAGE);
        if !asked(&mut pip) {
            return Ok(Some(format!(
                "NOT checked: `python3 -m pip install {PACKAGE}` failed"
            )));
        }
    }
    run(&mut cargo(checkout, ["build", "-p", "orthant"]))?;
    let mut server = Server::start(checkout)?;
    let (listening, admin) = server.addresses()?;
    let counts = printed(python().args(["-c", SCRIPT, &listening, &admin]))?;
    let (families, samples) = counts.trim().split_once(' ').unwrap_or_default();
    ensure!(
        !samples.is_empty(),
        "failed to read what the parser counted: {counts:?}"
    );
    Ok(Some(format!("{families} families, {samples} samples")))
}

/// Whether it ran and said yes.
fn asked(command: &mut Command) -> bool {
    output(command).is_ok_and(|output| output.status.success())
}

/// A server that does not outlive the step.
struct Server(Child);

impl Server {
    fn start(checkout: &Checkout) -> Result<Server> {
        let program = checkout.target().join("debug/orthant");
        let any = "127.0.0.1:0";
        let child = Command::new(&program)
            .args(["--listen", any, "--admin", any, "--workers", "2"])
            .args(["--log-level", "info", "--access-log", "/dev/null"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {}", program.display()))?;
        Ok(Server(child))
    }

    /// Where it listens, and its admin address.
    fn addresses(&mut self) -> Result<(String, String)> {
        let errors = self.0.stderr.take().context("its log is a pipe")?;
        let (mut listening, mut admin) = (None, None);
        for line in BufReader::new(errors).lines() {
            let line = line.context("failed to read the server's log")?;
            if let Some(address) = line.strip_prefix("orthant: admin listening on ") {
                admin = Some(address.to_owned());
            } else if let Some(rest) = line.strip_prefix("orthant: listening on ") {
                listening = rest.split(',').next().map(str::to_owned);
            }
            if let (Some(listening), Some(admin)) = (&listening, &admin) {
                return Ok((listening.clone(), admin.clone()));
            }
        }
        anyhow::bail!("failed to find the addresses in the server's log: it ended")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended by itself, or it is ended here; there is nobody to tell.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
