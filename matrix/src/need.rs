//! What somebody needs of a server: `p99<5ms@20krps`, `memory<32MiB`.
//!
//! A need is a metric, a limit with its unit, and where it is to hold: at a rate of requests that come whether or not the
//! last ones were answered (an open loop), or without one under the load of the other needs.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::axes::nearest;
use crate::quantity::Dimension;

/// What a need is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A quantile of the response time.
    Latency(Quantile),
    /// Private memory.
    Memory,
    /// Private memory that each idle connection adds.
    BytesPerConnection,
    /// CPU per request.
    Cpu,
    /// Requests per second of a closed loop.
    Throughput,
}

/// Which quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantile {
    /// Half of the requests.
    P50,
    /// All but one in a hundred.
    P99,
    /// All but one in a thousand.
    P999,
}

impl Quantile {
    /// As a share of the requests.
    #[must_use]
    pub fn share(self) -> f64 {
        match self {
            Quantile::P50 => 0.5,
            Quantile::P99 => 0.99,
            Quantile::P999 => 0.999,
        }
    }
}

impl Subject {
    const ALL: [Subject; 7] = [
        Subject::Latency(Quantile::P50),
        Subject::Latency(Quantile::P99),
        Subject::Latency(Quantile::P999),
        Subject::Memory,
        Subject::BytesPerConnection,
        Subject::Cpu,
        Subject::Throughput,
    ];

    /// The name in a need.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Subject::Latency(Quantile::P50) => "p50",
            Subject::Latency(Quantile::P99) => "p99",
            Subject::Latency(Quantile::P999) => "p999",
            Subject::Memory => "memory",
            Subject::BytesPerConnection => "bytes/connection",
            Subject::Cpu => "cpu",
            Subject::Throughput => "throughput",
        }
    }

    fn dimension(self) -> Dimension {
        match self {
            Subject::Latency(_) | Subject::Cpu => Dimension::Time,
            Subject::Memory | Subject::BytesPerConnection => Dimension::Memory,
            Subject::Throughput => Dimension::Rate,
        }
    }

    /// Whether more of it is better, so that the limit is a lower one.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        self == Subject::Throughput
    }

    /// Whether it can be asked at a rate: a rate is what a throughput is, and idle connections have none.
    fn has_rate(self) -> bool {
        !matches!(self, Subject::Throughput | Subject::BytesPerConnection)
    }

    /// The unit people read, and how many of the base unit make one of it.
    #[must_use]
    pub fn shown_in(self) -> (&'static str, f64) {
        match self {
            Subject::Latency(_) | Subject::Cpu => ("µs", 1e3),
            Subject::Memory => ("MiB", 1024.0 * 1024.0),
            Subject::BytesPerConnection => ("B", 1.0),
            Subject::Throughput => ("/s", 1.0),
        }
    }
}

/// One need.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(into = "String")]
pub struct Need {
    /// As it was written.
    pub text: String,
    /// What it is about.
    pub subject: Subject,
    /// In nanoseconds, bytes, or requests per second.
    pub limit: f64,
    /// Requests per second of the open loop.
    pub rate: Option<f64>,
}

impl From<Need> for String {
    fn from(need: Need) -> String {
        need.text
    }
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

const GRAMMAR: &str = "a need is METRIC<LIMIT or METRIC<LIMIT@RATE, such as p99<5ms@20krps, memory<32MiB, bytes/connection<4KiB, \
                       cpu<4us, throughput>50krps";

impl FromStr for Need {
    type Err = String;

    fn from_str(text: &str) -> Result<Need, String> {
        let refused = |why: &str| format!("{why}; {GRAMMAR}");
        let sign = text
            .find(['<', '>'])
            .ok_or_else(|| refused("there is no < or > in it"))?;
        let (name, limit) = (text[..sign].trim(), &text[sign + 1..]);
        let subject = named(name).map_err(|why| refused(&why))?;
        let is_lower = &text[sign..=sign] == ">";
        if is_lower != subject.more_is_better() {
            let right = if is_lower { "<" } else { ">" };
            return Err(refused(&format!("{name} is limited by {right}")));
        }
        let (limit, rate) = match limit.split_once('@') {
            None => (limit, None),
            Some(_) if !subject.has_rate() => {
                return Err(refused(&format!("{name} has no @RATE")));
            }
            Some((limit, rate)) => (limit, Some(self::rate(rate).map_err(|why| refused(&why))?)),
        };
        let limit = subject
            .dimension()
            .parse(limit)
            .map_err(|why| refused(&why))?;
        match limit > 0.0 {
            true => Ok(Need {
                text: text.to_owned(),
                subject,
                limit,
                rate,
            }),
            false => Err(refused("nothing meets a limit of 0")),
        }
    }
}

fn named(name: &str) -> Result<Subject, String> {
    let found = Subject::ALL
        .into_iter()
        .find(|subject| subject.name() == name);
    found.ok_or_else(|| {
        let names = Subject::ALL.map(|subject| subject.name().to_owned());
        let near = nearest(name, &names)
            .first()
            .map_or("", |near| near)
            .to_owned();
        format!("`{name}` is no metric of a need, did you mean {near}?")
    })
}

/// A rate with its unit, or a plain number of requests per second, as `--rate` takes it.
fn rate(text: &str) -> Result<f64, String> {
    let rate = match text.trim().parse() {
        Ok(rate) => rate,
        Err(_) => Dimension::Rate.parse(text)?,
    };
    match rate > 0.0 && f64::is_finite(rate) {
        true => Ok(rate),
        false => Err("a rate is above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_read_with_their_units_and_rates() {
        for (text, subject, limit, rate) in [
            (
                "p99<5ms@20krps",
                Subject::Latency(Quantile::P99),
                5e6,
                Some(20_000.0),
            ),
            (
                "p50 < 300 us @ 500",
                Subject::Latency(Quantile::P50),
                3e5,
                Some(500.0),
            ),
            ("memory<32MiB", Subject::Memory, 33_554_432.0, None),
            (
                "bytes/connection<4KiB",
                Subject::BytesPerConnection,
                4096.0,
                None,
            ),
            ("cpu<4us", Subject::Cpu, 4e3, None),
            ("throughput>50krps", Subject::Throughput, 50_000.0, None),
        ] {
            let need: Need = text.parse().unwrap();
            assert_eq!(
                (need.subject, need.limit, need.rate),
                (subject, limit, rate)
            );
            assert_eq!(need.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_need_is_answered_with_the_grammar() {
        for (text, why) in [
            ("p99", "there is no < or >"),
            ("p9<5ms", "did you mean p99?"),
            ("p99>5ms", "p99 is limited by <"),
            ("throughput<5krps", "throughput is limited by >"),
            ("p99<5", "`5` is no quantity with one of the units ns,"),
            ("memory<5ms", "units B, kB"),
            ("p99<5ms@20MiB", "units rps, krps"),
            ("p99<5ms@0", "a rate is above 0"),
            ("throughput>50krps@20krps", "throughput has no @RATE"),
            ("cpu<0us", "nothing meets a limit of 0"),
        ] {
            let error = text.parse::<Need>().unwrap_err();
            assert!(error.contains(why) && error.ends_with(GRAMMAR), "{error}");
        }
    }
}
