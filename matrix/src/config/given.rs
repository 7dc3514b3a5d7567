//! Values of the file that serde does not check by itself: metrics by the names of the command line, margins, ranges.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::verdict::{Margin, Metric, named};

/// As `--max-launches`.
pub(crate) const LAUNCHES: RangeInclusive<u32> = 8..=32;

/// As `--connections`.
pub(crate) const CONNECTIONS: RangeInclusive<u32> = 1..=10_000;

/// A metric by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct MetricName(pub Metric);

impl TryFrom<String> for MetricName {
    type Error = String;

    fn try_from(name: String) -> Result<MetricName, String> {
        named(&name).map(MetricName)
    }
}

/// A list of metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Guards(pub Vec<MetricName>);

/// Margins by metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarginsGiven(pub BTreeMap<Metric, Margin>);

impl<'de> Deserialize<'de> for MarginsGiven {
    fn deserialize<D: Deserializer<'de>>(table: D) -> Result<MarginsGiven, D::Error> {
        table.deserialize_map(Table)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = MarginsGiven;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a table of margins such as { memory = \"2% or 64KiB\" }")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut table: M) -> Result<MarginsGiven, M::Error> {
        let mut margins = BTreeMap::new();
        while let Some(MetricName(metric)) = table.next_key()? {
            margins.insert(metric, table.next_value_seed(MarginOf(metric))?);
        }
        Ok(MarginsGiven(margins))
    }
}

/// What a margin may be depends on its metric.
struct MarginOf(Metric);

impl<'de> DeserializeSeed<'de> for MarginOf {
    type Value = Margin;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Margin, D::Error> {
        value.deserialize_str(self)
    }
}

impl Visitor<'_> for MarginOf {
    type Value = Margin;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a margin in quotes, such as \"1%\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Margin, E> {
        Margin::parse(self.0, text).map_err(E::custom)
    }
}

pub(super) fn launches<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u32>, D::Error> {
    within(value, LAUNCHES)
}

pub(super) fn connections<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u32>, D::Error> {
    within(value, CONNECTIONS)
}

fn within<'de, D: Deserializer<'de>>(
    value: D,
    range: RangeInclusive<u32>,
) -> Result<Option<u32>, D::Error> {
    let number = u32::deserialize(value)?;
    let (least, most) = (range.start(), range.end());
    match range.contains(&number) {
        true => Ok(Some(number)),
        false => Err(Error::custom(format!(
            "{number} is not in {least} to {most}"
        ))),
    }
}

pub(super) fn minutes<'de, D: Deserializer<'de>>(value: D) -> Result<Option<f64>, D::Error> {
    let minutes = f64::deserialize(value)?;
    match minutes.is_finite() && minutes > 0.0 {
        true => Ok(Some(minutes)),
        false => Err(Error::custom(format!(
            "{minutes} minutes: more than 0 are needed"
        ))),
    }
}
