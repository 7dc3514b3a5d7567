//! The metrics of a server as OpenMetrics 1.0 text: <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.
//!
//! Everything stands in one table, by which the text, its order and the table in docs/operations.md are made. Counts are
//! read from where workers write them and are not added up: a reader sums over `worker` where it wants to.

mod families;
mod process;

use std::fmt::{Display, Write};

use crate::design::{AllocatorStats, Design, allocator_stats};
use crate::watch::Watch;

use families::FAMILIES;

/// What the text is called in HTTP.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A metric family.
struct Family {
    name: &'static str,
    kind: Kind,
    /// The last word of the name, where it is a unit.
    unit: Option<&'static str>,
    help: &'static str,
    /// Adds its samples.
    sample: fn(&View<'_>, &mut Samples<'_>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Info,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Info => "info",
        }
    }

    /// What a sample's name ends in.
    const fn suffix(self) -> &'static str {
        match self {
            Kind::Counter => "_total",
            Kind::Gauge => "",
            Kind::Info => "_info",
        }
    }
}

/// What the samples are read from.
struct View<'w> {
    watch: &'w Watch,
    design: &'w Design,
    /// Read once, since some allocators take a lock for it.
    allocator: AllocatorStats,
}

/// The samples of one family, as they are added.
struct Samples<'t> {
    text: &'t mut String,
    family: &'t Family,
}

impl Samples<'_> {
    fn add(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(self.family.name);
        self.text.push_str(self.family.kind.suffix());
        for (index, (name, value)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            self.text.push_str(name);
            self.text.push_str("=\"");
            for letter in value.chars() {
                match letter {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    letter => self.text.push(letter),
                }
            }
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        put(self.text, format_args!(" {value}\n"));
    }
}

fn put(text: &mut String, piece: std::fmt::Arguments<'_>) {
    text.write_fmt(piece).expect("a string takes everything");
}

/// Bytes of the names and sentences of all families, and of the samples that each worker has. Most of a sample is its name
/// and labels, and a number has 20 digits at most.
const FIXED_BYTES_MAX: usize = 6 * 1024;
const WORKER_BYTES_MAX: usize = 5 * 1024;

/// The most bytes that the text has for so many workers.
pub(crate) const fn text_bytes_max(workers: usize) -> usize {
    FIXED_BYTES_MAX + workers * WORKER_BYTES_MAX
}

/// All metrics, now.
pub(crate) fn text(watch: &Watch, design: &Design) -> String {
    let view = View {
        watch,
        design,
        allocator: allocator_stats(),
    };
    let mut text = String::with_capacity(text_bytes_max(watch.counters().len()));
    for family in FAMILIES {
        let (name, kind) = (family.name, family.kind.name());
        put(&mut text, format_args!("# TYPE {name} {kind}\n"));
        if let Some(unit) = family.unit {
            put(&mut text, format_args!("# UNIT {name} {unit}\n"));
        }
        put(&mut text, format_args!("# HELP {name} {}\n", family.help));
        let mut samples = Samples {
            text: &mut text,
            family,
        };
        (family.sample)(&view, &mut samples);
    }
    text.push_str("# EOF\n");
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::access;

    #[test]
    fn the_text_is_no_longer_than_its_budget() {
        for workers in [1, 30, 2_000] {
            let access = Arc::new(access::Shared::new(workers));
            let watch = Watch::new(usize::MAX, Some(access));
            watch.ready((0..workers).map(|_| Arc::default()).collect());
            let text = text(&watch, &Design::of_this_build());
            // Each may have more digits.
            let most = text.len() + text.lines().count() * 20;
            let budget = text_bytes_max(workers);
            assert!((budget / 2..=budget).contains(&most), "{most} of {budget}");
        }
    }
}
