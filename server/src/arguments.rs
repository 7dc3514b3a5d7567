//! The command line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, ValueEnum};
use orthant::{Design, Limits, Options, Tuning};

use crate::arena::Arena;

/// An HTTP/1.1 server of one design: backend, buffers and allocator are chosen when it is built.
#[derive(Debug, Parser)]
#[command(version, about, after_help = after_help())]
pub(crate) struct Arguments {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Worker threads, each on a CPU of its own [default: one for each CPU of the affinity mask]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) workers: Option<u16>,

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

    /// Print the design of this executable as JSON, and exit
    #[arg(long)]
    pub(crate) design: bool,
}

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum App {
    /// The routes of HttpArena: /baseline11, /pipeline, /json, /upload, /echo, /delay, /healthz
    Arena,
    /// What HTTP test suites expect
    Probe,
}

impl Arguments {
    pub(crate) fn options(&self) -> Options {
        let mut options = Options {
            listen: self.listen,
            workers: self.workers.map(usize::from),
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

/// The design of this executable, for programs.
pub(crate) fn design_json() -> String {
    let design = Design::of_this_build();
    let limits: BTreeMap<&str, u64> = Limits::NAMES
        .iter()
        .map(|limit| (limit.name, limit.default))
        .collect();
    let json = serde_json::json!({
        "name": design.name(),
        "backend": design.backend,
        "buffers": design.buffers,
        "allocator": design.allocator,
        "allocator_version": design.allocator_version,
        "allocator_serves": design.allocator_serves,
        "version": design.version,
        "revision": design.revision,
        "rustc": design.rustc,
        "idle_connection_bytes": orthant::idle_connection_bytes::<Arena>(),
        "regions_bytes_max": orthant::regions_bytes_max(&Limits::DEFAULT),
        "limits": limits,
    });
    format!("{json:#}")
}
