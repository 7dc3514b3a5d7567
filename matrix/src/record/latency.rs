//! A histogram as a record keeps it.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use serde::{Deserialize, Serialize};

/// A histogram of nanoseconds; stored as base64 of HdrHistogram's V2 format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Latency(pub Histogram<u64>);

impl Latency {
    /// No value yet: three significant digits, growing as needed.
    ///
    /// # Panics
    /// Never: three digits are within the limits.
    #[must_use]
    pub fn empty() -> Latency {
        Latency(Histogram::new(3).expect("three significant digits are allowed"))
    }

    /// Adds the values of `other`.
    ///
    /// # Errors
    /// When the histogram cannot grow to hold them.
    pub fn add(&mut self, other: &Histogram<u64>) -> Result<()> {
        self.0
            .add(other)
            .context("failed to merge two latency histograms")
    }

    /// The value at a quantile, if at least ten values lie beyond it.
    #[must_use]
    pub fn quantile_ns(&self, quantile: f64) -> Option<f64> {
        let beyond = self.0.len() as f64 * (1.0 - quantile);
        (beyond >= 10.0).then(|| self.0.value_at_quantile(quantile) as f64)
    }
}

impl From<Latency> for String {
    fn from(latency: Latency) -> String {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&latency.0, &mut bytes)
            .expect("a histogram of this process fits a Vec");
        STANDARD.encode(bytes)
    }
}

impl TryFrom<String> for Latency {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Latency> {
        let bytes = STANDARD.decode(text).context("a histogram is not base64")?;
        let histogram = Deserializer::new().deserialize(&mut bytes.as_slice());
        histogram.map(Latency).map_err(|error| {
            anyhow::anyhow!("a histogram is not in HdrHistogram's V2 format: {error}")
        })
    }
}
