//! The rows of one campaign.

use anyhow::Result;
use rusqlite::{Connection, Params, Statement, params};

use crate::process::Memory;
use crate::record::{Count, Idle, Launch, Observation, Plan, Record, Segment, Soaked};
use crate::reduce;
use crate::report::Report;
use crate::sheet::{Block, CountRow, PerRequest, Place, Row, Sheet};
use crate::stats::signflip::Interval;
use crate::verdict::{ClientState, MachineState, Metric, Question};

/// Adds everything that a record and its report say.
///
/// # Errors
/// When a row cannot be written, as when the disk is full.
pub(super) fn fill(connection: &Connection, record: Record) -> Result<()> {
    let report = Report::of(record)?;
    let rows = Rows { connection };
    let plan = report.record.plan();
    rows.campaign(&report)?;
    rows.arms(plan)?;
    let mut launches = report.record.launches.values();
    launches.try_for_each(|launch| rows.launch(plan, launch))?;
    let mut starts = report.record.idle.values();
    starts.try_for_each(|idle| rows.idle(idle))?;
    let mut counts = report.record.counts.values();
    counts.try_for_each(|count| rows.count(plan, count))?;
    let mut soaks = report.record.soaks.iter();
    soaks.try_for_each(|(campaign, soaked)| rows.soak(campaign, soaked))?;
    if let Some(sheet) = &report.sheet {
        rows.sheet(plan, sheet)?;
    }
    rows.comparisons(&report)?;
    Ok(())
}

struct Rows<'a> {
    connection: &'a Connection,
}

impl Rows<'_> {
    fn insert(&self, table: &str, values: impl Params, count: usize) -> rusqlite::Result<()> {
        self.prepared(table, count)?.execute(values).map(drop)
    }

    fn prepared(&self, table: &str, count: usize) -> rusqlite::Result<Statement<'_>> {
        let places: Vec<String> = (1..=count).map(|place| format!("?{place}")).collect();
        let sql = format!("INSERT INTO {table} VALUES ({})", places.join(", "));
        self.connection.prepare(&sql)
    }

    fn campaign(&self, report: &Report) -> rusqlite::Result<()> {
        let plan = report.record.plan();
        let machine = report.record.machines.get(&plan.campaign);
        let known = |of: fn(&crate::machine::Machine) -> Option<&String>| machine.and_then(of);
        let settings = plan.settings;
        let changes = known(|machine| machine.git_changes.as_ref());
        let values = params![
            plan.campaign,
            plan.command,
            plan.seed.to_string(),
            machine.map(|machine| &machine.started),
            settings.launches,
            settings.rounds,
            settings.slice_ms as i64,
            settings.connections,
            settings.requests_per_s,
            known(|machine| machine.cpu_model.as_ref()),
            known(|machine| machine.kernel.as_ref()),
            machine.map(|machine| machine.usable_cpus.len() as i64),
            known(|machine| machine.rustc.as_ref()),
            known(|machine| machine.git_revision.as_ref()),
            changes.map(|changes| !changes.is_empty()),
        ];
        self.insert("campaigns", values, 15)
    }

    fn arms(&self, plan: &Plan) -> rusqlite::Result<()> {
        for (arm, planned) in plan.arms.iter().enumerate() {
            let values = params![
                plan.campaign,
                arm as i64,
                plan.label(arm),
                planned.announced,
                planned.path.to_string_lossy(),
                planned.sha256,
                planned.commit,
                planned.command,
                planned.is_floor,
                None::<String>,
            ];
            self.insert("arms", values, 10)?;
            let values = plan.values_of(&planned.name).unwrap_or_default();
            for (axis, value) in plan.axes.iter().zip(values) {
                self.insert("axes", params![plan.campaign, arm as i64, axis, value], 4)?;
            }
        }
        let nothing = None::<String>;
        plan.left_out.iter().try_for_each(|left_out| {
            let values = params![
                plan.campaign,
                nothing,
                left_out.name,
                nothing,
                nothing,
                nothing,
                nothing,
                nothing,
                nothing,
                left_out.reason
            ];
            self.insert("arms", values, 10)
        })
    }

    fn count(&self, plan: &Plan, count: &Count) -> rusqlite::Result<()> {
        let row = CountRow::of(count, plan.label(count.arm));
        let (workload, arm) = (row.workload.name(), count.arm as i64);
        let mean = |figure: Option<PerRequest>| figure.map(|figure| figure.mean);
        let missing = row
            .missing
            .iter()
            .map(|(what, why)| format!("{what}: {why}"));
        let values = params![
            plan.campaign,
            workload,
            arm,
            row.design,
            mean(row.instructions),
            mean(row.syscalls),
            mean(row.allocations),
            mean(row.allocated_bytes),
            row.text_bytes.map(|bytes| bytes as i64),
            row.dependencies.map(|count| count as i64),
            row.build_cpu_s,
            joined(&missing.collect::<Vec<_>>()),
            joined(&row.invalid),
        ];
        self.insert("counts", values, 13)?;
        row.calls.iter().try_for_each(|(call, per_request)| {
            let values = params![plan.campaign, workload, arm, call, per_request];
            self.insert("calls", values, 5)
        })
    }

    fn soak(&self, campaign: &str, soaked: &Soaked) -> rusqlite::Result<()> {
        let of_segment = |segment: &Segment| {
            let mut epochs = segment.epochs.iter().enumerate();
            epochs.try_for_each(|(number, epoch)| {
                let memory = |of: fn(&Memory) -> u64| epoch.memory.as_ref().map(of);
                let values = params![
                    campaign,
                    segment.begin.segment,
                    number as i64,
                    epoch.at_ms as i64,
                    epoch.requests as i64,
                    epoch.elapsed_ns as i64,
                    epoch.server_cpu_ns as i64,
                    epoch.latency.quantile_ns(0.5),
                    epoch.latency.quantile_ns(0.99),
                    memory(|memory| memory.private_bytes).map(|bytes| bytes as i64),
                    memory(|memory| memory.resident_bytes).map(|bytes| bytes as i64),
                    epoch.syscalls.map(|calls| calls as i64),
                    epoch.wrong as i64,
                    epoch.unanswered as i64,
                ];
                self.insert("epochs", values, 14)
            })
        };
        soaked.segments.iter().try_for_each(of_segment)
    }

    fn launch(&self, plan: &Plan, launch: &Launch) -> rusqlite::Result<()> {
        let values = params![
            plan.campaign,
            launch.workload.name(),
            launch.block,
            launch.started,
            launch.server_cpu as i64,
            launch.client_cpu as i64,
            launch.quiet.state == MachineState::Quiet,
            launch.quiet.foreign_share,
            launch.quiet.steal_share,
        ];
        self.insert("launches", values, 9)?;
        let mut arms = launch.arms.iter().enumerate();
        arms.try_for_each(|(arm, seen)| self.observation(plan, launch, arm as i64, seen))
    }

    fn observation(
        &self,
        plan: &Plan,
        launch: &Launch,
        arm: i64,
        seen: &Observation,
    ) -> rusqlite::Result<()> {
        let memory = |of: fn(Memory) -> u64| seen.memory.map(|memory| of(memory) as i64);
        let requests: u64 = seen.slices.iter().map(|slice| slice.requests).sum();
        let workload = launch.workload.name();
        let values = params![
            plan.campaign,
            workload,
            launch.block,
            arm,
            requests as i64,
            reduce::value(seen, Metric::CpuPerRequest),
            reduce::value(seen, Metric::Throughput),
            seen.latency.quantile_ns(0.5),
            seen.latency.quantile_ns(0.99),
            memory(|memory| memory.private_bytes),
            memory(|memory| memory.resident_bytes),
            memory(|memory| memory.peak_bytes),
            seen.wrong as i64,
            seen.unanswered as i64,
            seen.reconnects as i64,
            seen.late_sends as i64,
            seen.label.client_share,
            joined(&seen.label.invalid),
        ];
        self.insert("observations", values, 18)?;
        let mut insert = self.prepared("slices", 11)?;
        seen.slices.iter().try_for_each(|slice| {
            let values = params![
                plan.campaign,
                workload,
                launch.block,
                arm,
                slice.round,
                slice.position,
                slice.requests as i64,
                slice.elapsed_ns as i64,
                slice.server_cpu_ns as i64,
                slice.client_cpu_ns as i64,
                slice.in_flight_requests,
            ];
            insert.execute(values).map(drop)
        })
    }

    fn idle(&self, idle: &Idle) -> rusqlite::Result<()> {
        idle.points.iter().try_for_each(|point| {
            let values = params![
                idle.campaign,
                idle.block,
                idle.arm.map(|arm| arm as i64),
                point.connections,
                point.memory.map(|memory| memory.private_bytes as i64),
                point.memory.map(|memory| memory.resident_bytes as i64),
                point.kernel.map(|kernel| kernel.slab_bytes as i64),
                point.kernel.map(|kernel| kernel.socket_bytes as i64),
                idle.failure,
            ];
            self.insert("idle", values, 9)
        })
    }

    fn sheet(&self, plan: &Plan, sheet: &Sheet) -> rusqlite::Result<()> {
        for block in sheet.blocks.iter().filter(|block| block.launches > 0) {
            for (arm, row) in block.rows.iter().enumerate() {
                self.cell(plan, block, arm as i64, row)?;
            }
            self.effects(plan, block)?;
        }
        Ok(())
    }

    fn cell(&self, plan: &Plan, block: &Block, arm: i64, row: &Row) -> rusqlite::Result<()> {
        let [low, high] = ends(row.cpu_log_ratio_interval);
        let standing = block
            .front
            .as_ref()
            .and_then(|front| front.place(&row.design));
        let values = params![
            plan.campaign,
            block.workload.name(),
            arm,
            row.design,
            block.launches as i64,
            row.cpu_us_per_request,
            row.requests_per_s,
            row.latency_us_p50,
            row.latency_us_p99,
            row.private_mib,
            row.resident_mib,
            row.cpu_log_ratio_to_first,
            low,
            high,
            row.cpu_ratio_to_floor,
            standing.map(Place::name),
            joined(&row.label.limits),
            joined(&row.label.invalid),
        ];
        self.insert("cells", values, 18)
    }

    fn effects(&self, plan: &Plan, block: &Block) -> rusqlite::Result<()> {
        for axis in block.effects.iter().flat_map(|effects| &effects.axes) {
            for value in &axis.values {
                let [low, high] = ends(value.log_factor_interval);
                let values = params![
                    plan.campaign,
                    block.workload.name(),
                    axis.name,
                    value.name,
                    axis.share,
                    value.log_factor,
                    low,
                    high,
                ];
                self.insert("effects", values, 8)?;
            }
        }
        Ok(())
    }

    fn comparisons(&self, report: &Report) -> rusqlite::Result<()> {
        for comparison in &report.comparisons {
            for finding in &comparison.workloads {
                let judgement = &finding.judgement;
                let workload = finding.workload.name();
                let values = params![
                    comparison.campaign,
                    workload,
                    question(judgement.rules.question),
                    judgement.rules.roles.primary.name(),
                    finding.decision.map(|decision| decision.to_string()),
                    finding.decision.is_none().then(|| finding.decided()),
                    judgement.look.launches,
                    judgement.look.alpha,
                    judgement.conditions.machine == MachineState::Quiet,
                    judgement.conditions.client == ClientState::Limiting,
                ];
                self.insert("decisions", values, 10)?;
                for effect in &judgement.effects {
                    let [low, high] = ends(effect.interval);
                    let values = params![
                        comparison.campaign,
                        workload,
                        effect.metric.name(),
                        judgement.rules.roles.of(effect.metric).to_string(),
                        effect.baseline,
                        effect.candidate,
                        effect.log_ratio,
                        low,
                        high,
                        effect.p,
                        effect.margin,
                        effect.verdict.to_string(),
                        judgement.decides(effect.metric),
                    ];
                    self.insert("verdicts", values, 13)?;
                }
            }
        }
        Ok(())
    }
}

fn ends(interval: Option<Interval>) -> [Option<f64>; 2] {
    [
        interval.map(|ends| ends.low),
        interval.map(|ends| ends.high),
    ]
}

fn question(question: Question) -> &'static str {
    match question {
        Question::Better => "better",
        Question::NotWorse => "not-worse",
    }
}

/// NULL where there is nothing to say.
fn joined(sentences: &[impl ToString]) -> Option<String> {
    let sentences: Vec<String> = sentences.iter().map(ToString::to_string).collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}
