//! Loads one server and says what that cost both sides: `drive ADDR WORKLOAD SECONDS [CONNECTIONS] [RATE]`.
//!
//! It is the load generator by itself, for judging the generator. With RATE, requests per second, the loop is open. The
//! environment may say CLIENT_CPU (where to run), SERVER_PID (whose CPU clock to read as well) and ANSWERS=floor.

use std::{env, fs, time::Duration};

use anyhow::{Context, bail};
use clap::ValueEnum;
use orthant_matrix::{
    load::{Answers, Load, Model, Plan, Slice, pin_to},
    workload::Workload,
};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, workload, seconds, rest @ ..] = &arguments[..] else {
        bail!(
            "failed to read the arguments; use: drive ADDR WORKLOAD SECONDS [CONNECTIONS] [RATE]"
        );
    };
    let workload = Workload::from_str(workload, true).map_err(anyhow::Error::msg)?;
    let floor = env::var("ANSWERS").is_ok_and(|answers| answers == "floor");
    let plan = Plan {
        address: address.parse().context("failed to read ADDR")?,
        workload,
        answers: if floor {
            Answers::Floor
        } else {
            Answers::Arena
        },
        model: match rest.get(1) {
            None => Model::Closed,
            Some(rate) => Model::Open {
                requests_per_s: rate.parse().context("failed to read RATE")?,
            },
        },
        connections: rest.first().map_or(Ok(64), |count| count.parse())?,
        seed: 1,
    };
    if let Ok(cpu) = env::var("CLIENT_CPU") {
        pin_to(cpu.parse().context("failed to read CLIENT_CPU")?)?;
    }
    let mut load = Load::new()?;
    let target = load.connect(plan)?;
    load.slice(target, Duration::from_millis(100))?;
    let server_cpu_ns = server_cpu_ns()?;
    let slice = load.slice(target, Duration::from_secs_f64(seconds.parse()?))?;
    print(&slice, plan);
    if let (Some(before), Some(after)) = (server_cpu_ns, self::server_cpu_ns()?) {
        let per_request_us = (after - before) as f64 / 1e3 / slice.requests as f64;
        println!("server     {per_request_us:.3} µs CPU/request");
    }
    Ok(())
}

fn print(slice: &Slice, plan: Plan) {
    let elapsed_s = slice.elapsed_ns as f64 / 1e9;
    let per_s = slice.requests as f64 / elapsed_s;
    let client_us = slice.client_cpu_ns as f64 / 1e3 / slice.requests.max(1) as f64;
    let busy = slice.client_cpu_ns as f64 / slice.elapsed_ns as f64;
    println!(
        "requests   {} right, {} wrong, {} unanswered in {elapsed_s:.3} s, {per_s:.0}/s",
        slice.requests, slice.wrong, slice.unanswered
    );
    println!(
        "client     {client_us:.3} µs CPU/request, {:.0} % busy",
        busy * 100.0
    );
    let histogram = &slice.latency_ns;
    let quantile_us = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
    println!(
        "latency    p50 {:.1} µs, p99 {:.1} µs",
        quantile_us(0.5),
        quantile_us(0.99)
    );
    let service = slice.service_ns.as_ref().unwrap_or(histogram);
    let little = service.mean() / 1e9 * per_s;
    println!(
        "in flight  {:.2} integrated, {little:.2} by Little's law",
        slice.in_flight_requests
    );
    println!(
        "others     {} of {} connections open, {} reconnects, {} late sends, statuses {:?}",
        slice.connections_open,
        plan.connections,
        slice.reconnects,
        slice.late_sends,
        slice.statuses
    );
    if let Some(wrong) = &slice.first_wrong {
        println!("trouble    {wrong}");
    }
}

/// The CPU time of the server's threads, if the environment names the server.
fn server_cpu_ns() -> anyhow::Result<Option<u64>> {
    let Ok(pid) = env::var("SERVER_PID") else {
        return Ok(None);
    };
    let path = format!("/proc/{pid}/task");
    let mut total_ns = 0;
    for thread in fs::read_dir(&path).with_context(|| format!("failed to list {path}"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))
            .with_context(|| format!("failed to read the CPU time of a thread in {path}"))?;
        let first = text.split(' ').next().unwrap_or_default();
        let thread_ns: u64 = first
            .parse()
            .with_context(|| format!("failed to find a number in {text}"))?;
        total_ns += thread_ns;
    }
    Ok(Some(total_ns))
}
