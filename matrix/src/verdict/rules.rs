//! What a comparison is judged by: the question, who has a say, and the margins.

use serde::{Deserialize, Serialize};

use super::{Margins, Roles};

/// What is asked about the candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Does it pay? The primary metric has to improve.
    #[default]
    Better,
    /// Does it do no harm, as a refactoring must not? Nothing has to improve.
    NotWorse,
}

/// All that turns intervals into a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// What is asked.
    pub question: Question,
    /// Who has a say.
    #[serde(flatten)]
    pub roles: Roles,
    /// What counts as a difference.
    pub margins: Margins,
}

impl From<Roles> for Rules {
    /// Whether it pays, by the usual margins.
    fn from(roles: Roles) -> Rules {
        Rules {
            question: Question::Better,
            roles,
            margins: Margins::default(),
        }
    }
}
