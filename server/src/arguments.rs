//! The command line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, ValueEnum};
use orthant::{AccessLog, Design, Format, LevelFilter, Limits, Listen, Options, Tuning};

use crate::arena::Arena;

/// An HTTP/1.1 server of one design: backend, buffers, allocator and release policy are chosen when it is built.
#[derive(Debug, Parser)]
#[command(version, about, after_help = after_help())]
pub(crate) struct Arguments {
    /// Where to listen: ADDRESS:PORT, port 0 takes a free one; unix:PATH; systemd or systemd:NAME, for sockets that it
    /// opened. May be given several times
    #[arg(long, value_name = "WHERE", default_value = "127.0.0.1:8080")]
    pub(crate) listen: Vec<Listen>,

    /// Worker threads, each on a CPU of its own [default: one for each CPU of the affinity mask]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) workers: Option<u16>,

    /// Address and port that answer /metrics in OpenMetrics text, and /healthz [default: none]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) admin: Option<SocketAddr>,

    /// File that gets a line for each request, or - for standard output [default: none]
    #[arg(long, value_name = "PATH")]
    pub(crate) access_log: Option<PathBuf>,

    /// Application to serve
    #[arg(long, value_enum, default_value_t = App::Arena)]
    pub(crate) app: App,

    /// JSON file with the items that /json serves, instead of those built in
    #[arg(long, value_name = "FILE")]
    pub(crate) dataset: Option<PathBuf>,

    /// Sets what clients may do, and for how long; the names are below. May be given several times
    #[arg(long = "limit", value_name = "NAME=N", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,

    /// Sets something of the backend; the names are below. May be given several times
    #[arg(long = "tune", value_name = "NAME=N", value_parser = tuning)]
    pub(crate) tunings: Vec<(String, usize)>,

    /// What of the server's own log goes to standard error
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Level::Warn)]
    pub(crate) log_level: Level,

    /// Form of log lines [default: plain text on standard error, logfmt in the access log]
    #[arg(long, value_enum)]
    pub(crate) log_format: Option<LogFormat>,

    /// Print the most memory that clients can make this server take, with these limits, and exit
    #[arg(long)]
    pub(crate) budget: bool,

    /// Print the design of this executable as JSON, and exit
    #[arg(long)]
    pub(crate) design: bool,

    /// CPU time that each request of the arena costs more, so that a tool that measures can show that it sees it
    #[arg(long, hide = true, value_name = "NS", default_value_t = 0.0, value_parser = nanoseconds)]
    pub(crate) handicap_ns: f64,
}

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum App {
    /// The routes of HttpArena: /baseline11, /pipeline, /json, /upload, /echo, /delay, /healthz
    Arena,
    /// What HTTP test suites expect
    Probe,
}

/// From which weight on a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// What failed
    Error,
    /// And what may fail soon, or was lost
    Warn,
    /// And what happens: starting, stopping
    Info,
    /// And why
    Debug,
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> LevelFilter {
        match level {
            Level::Error => LevelFilter::Error,
            Level::Warn => LevelFilter::Warn,
            Level::Info => LevelFilter::Info,
            Level::Debug => LevelFilter::Debug,
        }
    }
}

/// A form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// name=value name="a value"
    Logfmt,
    /// One JSON object a line
    Json,
}

impl From<LogFormat> for Format {
    fn from(format: LogFormat) -> Format {
        match format {
            LogFormat::Logfmt => Format::Logfmt,
            LogFormat::Json => Format::Json,
        }
    }
}

impl Arguments {
    pub(crate) fn options(&self) -> Options {
        let mut options = Options {
            listen: self.listen.clone(),
            workers: self.workers.map(usize::from),
            admin: self.admin,
            access_log: self.access_log.as_ref().map(|path| AccessLog {
                path: (path.as_os_str() != "-").then(|| path.clone()),
                format: self.log_format.map_or(Format::Logfmt, Into::into),
            }),
            limits: Limits::DEFAULT,
            tuning: Tuning::default(),
        };
        const TRIED: &str = "it was tried when the arguments were read";
        for (name, value) in &self.tunings {
            options.tuning.set(name, *value).expect(TRIED);
        }
        for (name, value) in &self.limits {
            options.limits.set(name, *value).expect(TRIED);
        }
        options
    }
}

/// Reads `NAME=N`, and refuses what the backend would refuse.
fn tuning(text: &str) -> Result<(String, usize), String> {
    let (name, value) = setting(text)?;
    Tuning::default().set(&name, value)?;
    Ok((name, value))
}

/// The same of a limit.
fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, value) = setting(text)?;
    Limits::default().set(&name, value)?;
    Ok((name, value))
}

fn nanoseconds(text: &str) -> Result<f64, String> {
    let is_sound = |ns: &f64| (0.0..=1e9).contains(ns);
    let ns = text.parse().ok().filter(is_sound);
    ns.ok_or_else(|| "a number of nanoseconds from 0 to 1e9 is needed".to_owned())
}

fn setting<N: FromStr>(text: &str) -> Result<(String, N), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=N")?;
    let number = value
        .parse()
        .map_err(|_| format!("{value:?} is no number"))?;
    Ok((name.to_owned(), number))
}

fn after_help() -> String {
    let mut help = String::from("What --tune can set in this design:\n");
    for (name, meaning) in Tuning::NAMES {
        help.push_str(&format!("  {name:<16} {meaning}\n"));
    }
    help.push_str(
        "\nWhat --limit can set, for each worker, with its default, and what happens beyond it:\n",
    );
    for limit in Limits::NAMES {
        let what = limit.what.trim_end_matches('.');
        let (name, default, beyond) = (limit.name, limit.default, limit.beyond);
        help.push_str(&format!("  {name:<26} {default:<10}  {what}: {beyond}\n"));
    }
    help.push_str(
        "\nExample:\n  orthant --listen 127.0.0.1:8080 --workers 2\n  curl 'http://127.0.0.1:8080/baseline11?a=13&b=42'",
    );
    help
}

/// The design of this executable with these options, for programs.
pub(crate) fn design_json(options: &Options) -> String {
    let design = Design::of_this_build();
    let limits: BTreeMap<&str, u64> = Limits::NAMES
        .iter()
        .map(|limit| (limit.name, limit.of(&options.limits)))
        .collect();
    let json = serde_json::json!({
        "name": design.name(),
        "backend": design.backend,
        "buffers": design.buffers,
        "allocator": design.allocator,
        "policy": design.policy,
        "allocator_version": design.allocator_version,
        "allocator_serves": design.allocator_serves,
        "version": design.version,
        "revision": design.revision,
        "rustc": design.rustc,
        "idle_connection_bytes": orthant::idle_connection_bytes::<Arena>(),
        "regions_bytes_max": orthant::regions_bytes_max(&options.limits),
        "worker_bytes_max": crate::budget::json::<Arena>(options),
        "limits": limits,
    });
    format!("{json:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the limits in docs/operations.md, between two marks: on a failure, what should stand there is shown.
    #[test]
    fn the_documents_list_the_limits_as_they_are() {
        let mut table = String::from(
            "\n| name | default | from, to | what it limits | why | beyond |\n|---|--:|---|---|---|---|\n",
        );
        for limit in Limits::NAMES {
            let (what, reason, beyond) =
                (limit.what.trim_end_matches('.'), limit.reason, limit.beyond);
            let (name, default, least, most) = (limit.name, limit.default, limit.least, limit.most);
            table += &format!(
                "| `{name}` | {default} | {least}, {most} | {what} | {reason} | {beyond} |\n"
            );
        }
        let document = include_str!("../../docs/operations.md");
        let (_, rest) = document.split_once("<!-- limits -->\n").unwrap();
        let (stands, _) = rest.split_once("\n<!-- /limits -->").unwrap();
        assert!(stands == table, "docs/operations.md should say:\n{table}");
    }
}
