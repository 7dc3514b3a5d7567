//! What is to be compared by which rules: the command line before `matrix.toml`, and that before what is usual.

use super::Args;
use crate::config::{self, Guards, MarginsGiven, MetricName};
use crate::record::Comparison;
use crate::verdict::{Metric, Question, Roles, Rules};
use crate::workload::Workload;

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) workloads: Vec<Workload>,
    pub(super) connections: Option<u32>,
    pub(super) max_launches: u32,
    pub(super) comparison: Comparison,
}

const LAUNCHES: u32 = 32;

impl Wanted {
    pub(super) fn of(args: &Args, file: &config::Compare) -> Wanted {
        let mut workloads = [&args.workload, &file.workloads, &vec![Workload::Baseline]]
            .into_iter()
            .find(|workloads| !workloads.is_empty())
            .cloned()
            .unwrap_or_default();
        workloads.sort_unstable();
        workloads.dedup();
        let rules = workloads
            .iter()
            .map(|workload| (*workload, rules(args, file, *workload)));
        Wanted {
            connections: args.measure.connections.or(file.connections),
            max_launches: args.max_launches.or(file.max_launches).unwrap_or(LAUNCHES),
            comparison: Comparison {
                max_minutes: args.max_minutes.or(file.max_minutes),
                rules: rules.collect(),
            },
            workloads,
        }
    }
}

fn rules(args: &Args, file: &config::Compare, workload: Workload) -> Rules {
    let none = config::OfWorkload::default();
    let own = file.workload.get(&workload).unwrap_or(&none);
    let given = own
        .primary
        .or(file.primary)
        .map(|MetricName(metric)| metric);
    let primary = args.primary.or(given).unwrap_or(Metric::CpuPerRequest);
    let roles = match own.guards.as_ref().or(file.guards.as_ref()) {
        None => Roles::new(primary, &args.guard),
        Some(Guards(guards)) => {
            let guards = guards.iter().map(|MetricName(metric)| *metric);
            Roles::guarded_by(
                primary,
                &guards.chain(args.guard.clone()).collect::<Vec<_>>(),
            )
        }
    };
    let mut rules = Rules::from(roles);
    if args.non_inferiority {
        rules.question = Question::NotWorse;
    }
    let in_files = [&file.margins, &own.margins].into_iter();
    let in_files = in_files.flat_map(|MarginsGiven(margins)| margins.clone());
    let asked = args.margin.iter().map(|asked| (asked.metric, asked.margin));
    in_files
        .chain(asked)
        .for_each(|(metric, margin)| rules.margins.set(metric, margin));
    rules
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::Config;
    use crate::verdict::Metric::{CpuPerRequest, LatencyP99, Memory, Throughput};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn wanted(arguments: &[&str], file: &str) -> Wanted {
        let line = Line::try_parse_from([&["compare", "a", "b"], arguments].concat()).unwrap();
        Wanted::of(&line.args, &Config::of(file).unwrap().compare)
    }

    const FILE: &str = r#"
        [compare]
        workloads = ["json", "baseline"]
        guards = ["memory"]
        margins = { memory = "10%", p99 = "20%" }
        max_launches = 16
        max_minutes = 5
        connections = 8
        [compare.workload.json]
        primary = "throughput"
        margins = { memory = "30%" }
    "#;

    #[test]
    fn without_a_file_and_a_wish_it_is_as_usual() {
        let wanted = wanted(&[], "");
        let usual = Rules::from(Roles::new(CpuPerRequest, &[]));
        assert_eq!(
            wanted.comparison.rules,
            [(Workload::Baseline, usual)].into()
        );
        assert_eq!((wanted.max_launches, wanted.connections), (32, None));
        assert_eq!(wanted.comparison.max_minutes, None);
    }

    #[test]
    fn the_table_of_a_workload_beats_the_one_of_all() {
        let wanted = wanted(&[], FILE);
        assert_eq!(wanted.workloads, [Workload::Baseline, Workload::Json]);
        assert_eq!((wanted.max_launches, wanted.connections), (16, Some(8)));
        assert_eq!(wanted.comparison.max_minutes, Some(5.0));
        let rules = &wanted.comparison.rules;
        let (baseline, json) = (&rules[&Workload::Baseline], &rules[&Workload::Json]);
        assert_eq!(baseline.roles, Roles::guarded_by(CpuPerRequest, &[Memory]));
        assert_eq!(json.roles, Roles::guarded_by(Throughput, &[Memory]));
        let margin = |rules: &Rules, metric| rules.margins.of(metric, 1e9);
        assert_eq!((margin(baseline, Memory), margin(json, Memory)), (0.1, 0.3));
        assert_eq!(
            (margin(json, LatencyP99), margin(json, Throughput)),
            (0.2, 0.02)
        );
    }

    #[test]
    fn the_command_line_beats_the_file() {
        let arguments = "-w json --primary memory --guard p99 --margin memory=1% --max-launches 8 --max-minutes 0.5 \
                         --connections 4 --non-inferiority";
        let wanted = wanted(&arguments.split_whitespace().collect::<Vec<_>>(), FILE);
        assert_eq!(wanted.workloads, [Workload::Json]);
        assert_eq!((wanted.max_launches, wanted.connections), (8, Some(4)));
        assert_eq!(wanted.comparison.max_minutes, Some(0.5));
        let rules = &wanted.comparison.rules[&Workload::Json];
        assert_eq!(rules.roles, Roles::guarded_by(Memory, &[LatencyP99]));
        assert_eq!(rules.margins.of(Memory, 1e9), 0.01);
        assert_eq!(rules.margins.of(LatencyP99, 1e9), 0.2);
        assert_eq!(rules.question, Question::NotWorse);
    }
}
