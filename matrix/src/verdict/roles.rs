//! Which metric is to improve, and which ones must not get worse for it.

use serde::{Deserialize, Serialize};

use super::Metric;

/// Who has a say in a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// The metric that is to improve.
    pub primary: Metric,
    /// Those that must not get worse, in table order.
    pub guards: Vec<Metric>,
}

/// What a metric is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It is to improve.
    Primary,
    /// It must not get worse.
    Guard,
    /// It informs.
    Shown,
}

impl Roles {
    /// A primary metric, guarded by those that guard by themselves and by `more`.
    #[must_use]
    pub fn new(primary: Metric, more: &[Metric]) -> Roles {
        let is_guard = |metric: &Metric| metric.guards_by_itself() || more.contains(metric);
        let guards: Vec<Metric> = Metric::ALL.into_iter().filter(is_guard).collect();
        Roles::guarded_by(primary, &guards)
    }

    /// A primary metric, guarded by these and no others.
    #[must_use]
    pub fn guarded_by(primary: Metric, guards: &[Metric]) -> Roles {
        let guards = Metric::ALL
            .into_iter()
            .filter(|metric| *metric != primary && guards.contains(metric));
        Roles {
            primary,
            guards: guards.collect(),
        }
    }

    /// The role of a metric.
    #[must_use]
    pub fn of(&self, metric: Metric) -> Role {
        if metric == self.primary {
            Role::Primary
        } else if self.guards.contains(&metric) {
            Role::Guard
        } else {
            Role::Shown
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Role::Primary => "primary",
            Role::Guard => "guard",
            Role::Shown => "shown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p99_guards_only_when_asked_for() {
        use Metric::{CpuPerRequest, LatencyP99, Memory, Throughput};
        let guards = |primary, more: &[Metric]| Roles::new(primary, more).guards;
        assert_eq!(guards(CpuPerRequest, &[]), [Memory, Throughput]);
        assert_eq!(
            guards(CpuPerRequest, &[LatencyP99]),
            [Memory, Throughput, LatencyP99]
        );
        assert_eq!(guards(Memory, &[Memory]), [CpuPerRequest, Throughput]);
        assert_eq!(
            guards(LatencyP99, &[LatencyP99]),
            [CpuPerRequest, Memory, Throughput]
        );
    }
}
