//! What the launches were made under, and whether the wall clock may decide there.

use serde::{Deserialize, Serialize};

use super::{Metric, Tier};

/// Whether other programs disturbed the measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MachineState {
    /// At least four launches in five were quiet.
    Quiet,
    /// Fewer were: wall-clock figures are advisory.
    #[default]
    Noisy,
}

/// Whether the client, and not the server, may have set the pace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientState {
    /// It had time to spare with both sides.
    Ahead,
    /// It had none with at least one: wall-clock figures are advisory.
    #[default]
    Limiting,
}

/// Both of them; the worst is assumed of what is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// The machine.
    pub machine: MachineState,
    /// The client.
    pub client: ClientState,
}

impl Conditions {
    /// Whether a metric may decide.
    #[must_use]
    pub fn trust(self, metric: Metric) -> bool {
        metric.tier() != Tier::WallClock || self.trust_the_wall_clock()
    }

    /// Whether wall-clock metrics may decide.
    #[must_use]
    pub fn trust_the_wall_clock(self) -> bool {
        self.machine == MachineState::Quiet && self.client == ClientState::Ahead
    }

    /// What a wall-clock verdict is marked with when it only informs.
    #[must_use]
    pub fn signs(self) -> &'static str {
        match (self.machine, self.client) {
            (MachineState::Quiet, ClientState::Ahead) => "",
            (MachineState::Noisy, ClientState::Ahead) => "*",
            (MachineState::Quiet, ClientState::Limiting) => "†",
            (MachineState::Noisy, ClientState::Limiting) => "*†",
        }
    }
}
