//! The figures of a report in one shape: a cell has measures, a measure has a value and the spread of it over launches.

use crate::record::Launch;
use crate::reduce;
use crate::report::Report;
use crate::sheet::{
    BYTES_PER_MIB, Block, CountRow, IdleRow, Per, PerRequest, Row, Slope, SoakSheet,
};
use crate::stats::middle_half;
use crate::verdict::Metric;

/// The name under which idle connections stand where others have a workload.
const IDLE: &str = "idle";

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    Smaller,
    Bigger,
}

impl Better {
    pub(super) fn name(self) -> &'static str {
        match self {
            Better::Smaller => "smaller",
            Better::Bigger => "bigger",
        }
    }
}

/// One arm under one workload.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The campaigns, with commas.
    pub(super) campaign: String,
    pub(super) workload: String,
    pub(super) arm: String,
    /// Why its figures do not count; empty when they do.
    pub(super) invalid: Vec<String>,
    /// Those that have a source.
    pub(super) measures: Vec<Measure>,
}

/// One figure.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) better: Better,
    pub(super) value: f64,
    /// What the value is, in a sentence without its full stop.
    pub(super) help: &'static str,
    /// The middle half of the launches; none of percentiles, which are those of the merged histogram.
    pub(super) spread: Option<[f64; 2]>,
}

impl Measure {
    /// One that is better when it is smaller, without a spread; none without a value.
    fn of(
        name: &'static str,
        unit: &'static str,
        help: &'static str,
        value: Option<f64>,
    ) -> Option<Measure> {
        Some(Measure {
            name,
            unit,
            better: Better::Smaller,
            value: value?,
            help,
            spread: None,
        })
    }
}

impl Cell {
    pub(super) fn is_valid(&self) -> bool {
        self.invalid.is_empty()
    }

    /// Why it is left out, if it is.
    pub(super) fn trouble(&self) -> Option<String> {
        let Cell {
            arm,
            workload,
            invalid,
            ..
        } = self;
        let why = invalid.join("; ");
        (!self.is_valid()).then(|| format!("{arm} under {workload} is INVALID: {why}"))
    }
}

/// All cells: by workload and arm, in the order of the tables.
pub(super) fn all(report: &Report) -> Vec<Cell> {
    let campaign = report.campaigns();
    let blocks = report.sheet.iter().flat_map(|sheet| &sheet.blocks);
    let loaded = blocks.filter(|block| block.launches > 0).flat_map(|block| {
        let launches = report.record.launches_of(block.workload);
        let rows = block.rows.iter().enumerate();
        rows.map(|(arm, row)| of_row(&campaign, block, &launches, arm, row))
            .collect::<Vec<_>>()
    });
    let idle = report.idle.iter().flat_map(|sheet| &sheet.rows);
    let counts = report.counts.iter().flat_map(|sheet| &sheet.rows);
    loaded
        .chain(idle.map(|row| of_idle(&campaign, row)))
        .chain(report.soak.iter().map(of_soak))
        .chain(counts.map(|row| of_count(&campaign, row)))
        .collect()
}

fn of_row(campaign: &str, block: &Block, launches: &[&Launch], arm: usize, row: &Row) -> Cell {
    use Better::{Bigger, Smaller};
    let spread = |metric| {
        let value = |launch: &&Launch| reduce::value(&launch.arms[arm], metric);
        middle_half(&launches.iter().filter_map(value).collect::<Vec<_>>())
    };
    let scaled = |value: Option<f64>, factor: f64| value.map(|value| value * factor);
    let measure = |name, unit, better, help, value, metric: Option<Metric>| {
        Some(Measure {
            better,
            spread: metric.and_then(spread),
            ..Measure::of(name, unit, help, value)?
        })
    };
    let cpu_ns = scaled(row.cpu_us_per_request, 1e3);
    let private = scaled(row.private_mib, BYTES_PER_MIB);
    let resident = scaled(row.resident_mib, BYTES_PER_MIB);
    let p50_ns = scaled(row.latency_us_p50, 1e3);
    let p99_ns = scaled(row.latency_us_p99, 1e3);
    let measures = [
        measure(
            "cpu-per-request",
            "ns",
            Smaller,
            "CPU time of the server per request: the median over launches",
            cpu_ns,
            Some(Metric::CpuPerRequest),
        ),
        measure(
            "private-memory",
            "bytes",
            Smaller,
            "Private memory of the server: the median over launches",
            private,
            Some(Metric::Memory),
        ),
        measure(
            "resident-memory",
            "bytes",
            Smaller,
            "Resident memory of the server: the median over launches",
            resident,
            None,
        ),
        measure(
            "throughput",
            "requests/s",
            Bigger,
            "Requests answered right per second: the median over launches",
            row.requests_per_s,
            Some(Metric::Throughput),
        ),
        measure(
            "latency-p50",
            "ns",
            Smaller,
            "Response time that half of the requests stay below, of all launches together",
            p50_ns,
            None,
        ),
        measure(
            "latency-p99",
            "ns",
            Smaller,
            "Response time that 99 % of the requests stay below, of all launches together",
            p99_ns,
            None,
        ),
    ];
    Cell {
        campaign: campaign.to_owned(),
        workload: block.workload.name().to_owned(),
        arm: row.design.clone(),
        invalid: row.label.invalid.iter().map(ToString::to_string).collect(),
        measures: measures.into_iter().flatten().collect(),
    }
}

fn of_idle(campaign: &str, row: &IdleRow) -> Cell {
    let measure = |name, help, value| Measure::of(name, "bytes", help, value);
    let bytes = |slope: Option<Slope>| slope.map(|slope| slope.bytes_per_connection);
    let base = row.base_mib.map(|mib| mib * BYTES_PER_MIB);
    let measures = [
        measure(
            "idle-base-memory",
            "Private memory of the server without connections, by the line through all numbers of them: the median over starts",
            base,
        ),
        measure(
            "idle-memory-per-connection",
            "What each idle connection adds to the private memory of the server: a slope, the median over starts",
            bytes(row.user),
        ),
        measure(
            "idle-kernel-memory-per-connection",
            "What each idle connection adds to the memory of the kernel: a slope, the median over starts",
            bytes(row.kernel),
        ),
    ];
    Cell {
        campaign: campaign.to_owned(),
        workload: IDLE.to_owned(),
        arm: row.design.clone(),
        invalid: row.invalid.clone(),
        measures: measures.into_iter().flatten().collect(),
    }
}

/// Of its drifts what memory may grow by at most, for that is what is decided.
fn of_soak(sheet: &SoakSheet) -> Cell {
    let measure = Measure::of;
    let most = |per| {
        let mut drifts = sheet.drifts.iter();
        Some(drifts.find(|drift| drift.per == per)?.drift?.interval.high)
    };
    let measures = [
        measure(
            "soak-memory-drift-per-request",
            "bytes",
            "Growth of private memory, in bytes per request: the upper end of its 95 % interval",
            most(Per::Request),
        ),
        measure(
            "soak-memory-drift-per-hour",
            "bytes",
            "Growth of private memory, in bytes per hour: the upper end of its 95 % interval",
            most(Per::Hour),
        ),
        measure(
            "soak-latency-p99",
            "ns",
            "Response time that 99 % of the requests after the warm-up stay below",
            sheet.tail.p99,
        ),
    ];
    Cell {
        campaign: sheet.campaign.clone(),
        workload: sheet.workload.clone().unwrap_or_default(),
        arm: sheet.design.clone(),
        invalid: sheet.invalid.clone(),
        measures: measures.into_iter().flatten().collect(),
    }
}

fn of_count(campaign: &str, row: &CountRow) -> Cell {
    let measure = Measure::of;
    let mean = |figure: Option<PerRequest>| figure.map(|figure| figure.mean);
    let whole = |figure: Option<u64>| figure.map(|figure| figure as f64);
    let build_ns = row.build_cpu_s.map(|seconds| seconds * 1e9);
    let measures = [
        measure(
            "instructions-per-request",
            "instructions",
            "Instructions of user space per request: the mean over all spans",
            mean(row.instructions),
        ),
        measure(
            "syscalls-per-request",
            "calls",
            "Calls of the kernel per request: the mean over all spans",
            mean(row.syscalls),
        ),
        measure(
            "allocations-per-request",
            "allocations",
            "Blocks asked of the allocator per request: the mean over all spans",
            mean(row.allocations),
        ),
        measure(
            "allocated-memory-per-request",
            "bytes",
            "Bytes asked of the allocator per request: the mean over all spans",
            mean(row.allocated_bytes),
        ),
        measure(
            "text",
            "bytes",
            "Machine code in the executable",
            whole(row.text_bytes),
        ),
        measure(
            "dependencies",
            "packages",
            "Packages that the executable links and that are not of this workspace",
            whole(row.dependencies),
        ),
        measure(
            "build-cpu",
            "ns",
            "CPU time of building the executable",
            build_ns,
        ),
    ];
    Cell {
        campaign: campaign.to_owned(),
        workload: row.workload.name().to_owned(),
        arm: row.design.clone(),
        invalid: row.invalid.clone(),
        measures: measures.into_iter().flatten().collect(),
    }
}
