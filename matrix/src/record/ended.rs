//! That a comparison under one workload came to its end: a look decided, all launches were made, or the time was over.
//!
//! Without this line it was broken off, by a kill, the user or an error, and a look that it did not reach is not taken later.

use serde::{Deserialize, Serialize};

use super::EndedKey;
use crate::workload::Workload;

/// One end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The campaign it belongs to.
    pub campaign: String,
    /// Under which workload.
    pub workload: Workload,
    /// After so many launches.
    pub launches: u32,
}

impl Ended {
    /// What makes it unique.
    #[must_use]
    pub fn key(&self) -> EndedKey {
        (self.workload, self.campaign.clone())
    }
}
