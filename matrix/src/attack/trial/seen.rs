//! What was seen of one attack, and what of it may not be.

use serde::Serialize;

use super::super::{Attack, Tally, watch::Peak};
use super::{HONEST, Opponent};
use crate::process::End;
use crate::stats::median;

/// The p99 of honest clients may grow by this factor.
const P99_RATIO_MAX: f64 = 2.0;

/// Quiet windows whose p99s differ by more than this factor say that the machine is too noisy to tell.
const NOISE_MAX: f64 = 2.0;

/// What a byte of an attacker may cost the server in bytes, and a second of its CPU in seconds: from here on it is a
/// vulnerability.
const AMPLIFICATION_MAX: f64 = 100.0;

/// A server that has nothing to do, or no room for anybody, takes less of its CPU than this.
const CPU_AT_REST_MAX: f64 = 0.3;

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// The server.
    pub design: String,
    /// The attack.
    pub attack: &'static str,
    /// What it was started with besides.
    pub arguments: Vec<String>,
    /// Without attackers.
    pub quiet: Windows,
    /// With them.
    pub attacked: Windows,
    /// Median of the p99s with attackers over that without.
    pub p99_ratio: Option<f64>,
    /// Quiet windows differed too much for the ratio to tell anything.
    pub noisy: bool,
    /// Right answers to honest clients.
    pub answers: u64,
    /// Wrong ones.
    pub wrong: u64,
    /// Missing ones.
    pub unanswered: u64,
    /// The first of these in a sentence.
    pub first_wrong: Option<String>,
    /// Connections of honest clients that the server closed.
    pub reconnects: u64,
    /// Honest requests that this process sent too late.
    pub late_sends: u64,
    /// Before the first attackers.
    pub before: Reading,
    /// While there were attackers.
    pub peak: Peak,
    /// When the last attackers had gone.
    pub after: Reading,
    /// What the server said that clients can make it take, beyond what it takes without them.
    pub budget_bytes: Option<u64>,
    /// Bytes of memory for each byte that the attackers put on the wire.
    pub memory_amplification: Option<f64>,
    /// CPU time of the server, beyond what honest clients cost, for that of the attackers.
    pub cpu_amplification: Option<f64>,
    /// The part of a CPU that it takes when nobody asks.
    pub cpu_at_rest: f64,
    /// What the attackers did and saw.
    pub attackers: Tally,
    /// Whether a new client is served afterwards.
    pub accepts: bool,
    /// What may not be, a sentence each.
    pub failures: Vec<String>,
    /// The p99 of honest clients has grown too much, and the machine was quiet enough to say so.
    pub slow: bool,
}

/// What was seen in windows of one kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Windows {
    /// Of honest clients, for each window.
    pub p99_ns: Vec<u64>,
    /// The part of its CPU that the server took, for each window.
    pub cpu: Vec<f64>,
}

/// What a server holds at one moment.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Reading {
    /// Pages nobody else maps.
    pub private_bytes: Option<u64>,
    /// All resident pages.
    pub resident_bytes: Option<u64>,
    /// Descriptors; those of an io_uring are not among them.
    pub descriptors: Option<usize>,
    /// Connections, with a descriptor or without.
    pub connections: Option<usize>,
}

impl Windows {
    /// The median of the p99s, in nanoseconds.
    #[must_use]
    pub fn p99_ns(&self) -> Option<f64> {
        median(&self.p99_ns.iter().map(|&ns| ns as f64).collect::<Vec<_>>())
    }

    /// The median of the parts of a CPU.
    #[must_use]
    pub fn cpu(&self) -> Option<f64> {
        median(&self.cpu)
    }

    fn is_noisy(&self) -> bool {
        let (least, most) = (self.p99_ns.iter().min(), self.p99_ns.iter().max());
        least
            .zip(most)
            .is_none_or(|(least, most)| *most as f64 > *least as f64 * NOISE_MAX)
    }
}

impl Seen {
    /// Whether something is so that may not be.
    #[must_use]
    pub fn is_harmed(&self) -> bool {
        self.slow || !self.failures.is_empty()
    }

    pub(super) fn of(attack: &Attack, opponent: &Opponent) -> Seen {
        Seen {
            design: opponent.name.clone(),
            attack: attack.name,
            arguments: opponent.program.arguments().to_vec(),
            quiet: Windows::default(),
            attacked: Windows::default(),
            p99_ratio: None,
            noisy: false,
            answers: 0,
            wrong: 0,
            unanswered: 0,
            first_wrong: None,
            reconnects: 0,
            late_sends: 0,
            before: Reading::default(),
            peak: Peak::default(),
            after: Reading::default(),
            budget_bytes: opponent.budget_bytes,
            memory_amplification: None,
            cpu_amplification: None,
            cpu_at_rest: 0.0,
            attackers: Tally::default(),
            accepts: false,
            failures: Vec::new(),
            slow: false,
        }
    }

    pub(super) fn judge(&mut self, end: End, failure: Option<String>, attack: &Attack) {
        let (quiet, attacked) = (&self.quiet, &self.attacked);
        self.noisy = quiet.is_noisy();
        self.p99_ratio = quiet
            .p99_ns()
            .zip(attacked.p99_ns())
            .map(|(quiet, attacked)| attacked / quiet);
        self.slow = !self.noisy && self.p99_ratio.is_some_and(|ratio| ratio > P99_RATIO_MAX);
        let grown =
            |private_bytes: u64| self.peak.private_bytes.saturating_sub(private_bytes) as f64;
        let wire_bytes = self.attackers.wire_bytes().max(1) as f64;
        self.memory_amplification = self
            .before
            .private_bytes
            .map(|bytes| grown(bytes) / wire_bytes);
        let more = quiet
            .cpu()
            .zip(attacked.cpu())
            .map(|(quiet, attacked)| (attacked - quiet).max(0.0));
        self.cpu_amplification = more
            .zip(self.attackers.cpu())
            .map(|(more, theirs)| more / theirs);
        self.failures = self.found(end, failure, attack);
    }

    fn found(&self, end: End, failure: Option<String>, attack: &Attack) -> Vec<String> {
        let mut found: Vec<String> = failure.into_iter().collect();
        let mut say = |is_so: bool, what: String| {
            if is_so {
                found.push(what);
            }
        };
        let (wrong, unanswered) = (self.wrong, self.unanswered);
        say(
            wrong + unanswered > 0,
            format!(
                "{wrong} wrong and {unanswered} missing answers to honest clients; the first: {}",
                self.first_wrong.as_deref().unwrap_or("unknown")
            ),
        );
        let before_bytes = self.before.resident_bytes.unwrap_or(0);
        let more = self.peak.resident_bytes.saturating_sub(before_bytes);
        let budget = self.budget_bytes.unwrap_or(u64::MAX);
        say(
            more > budget,
            format!(
                "{more} bytes more than without clients, which is above its budget of {budget}"
            ),
        );
        let amplification = self.memory_amplification.unwrap_or(0.0);
        say(
            amplification >= AMPLIFICATION_MAX,
            format!("a byte of the attackers costs {amplification:.0} bytes of memory"),
        );
        let amplification = self.cpu_amplification.unwrap_or(0.0);
        say(
            amplification >= AMPLIFICATION_MAX,
            format!("a second of the attackers' CPU costs {amplification:.0} s of the server's"),
        );
        let (before, after) = (&self.before, &self.after);
        say(
            after.descriptors > before.descriptors,
            format!(
                "{:?} descriptors afterwards, {:?} before",
                after.descriptors, before.descriptors
            ),
        );
        say(
            after.connections > Some(HONEST as usize),
            format!(
                "{:?} connections afterwards, of {HONEST} honest clients",
                after.connections
            ),
        );
        say(
            !self.accepts,
            "a new client is not served afterwards".to_owned(),
        );
        say(
            self.cpu_at_rest > CPU_AT_REST_MAX,
            format!(
                "{:.0} % of its CPU when nobody asks",
                self.cpu_at_rest * 100.0
            ),
        );
        let (quiet, attacked) = (
            self.quiet.cpu().unwrap_or(0.0),
            self.attacked.cpu().unwrap_or(0.0),
        );
        say(
            attack.descriptors.is_some() && attacked - quiet > CPU_AT_REST_MAX,
            format!(
                "{:.0} % of its CPU without a free descriptor, {:.0} % with",
                attacked * 100.0,
                quiet * 100.0
            ),
        );
        match end {
            End::Stopped => {}
            End::Killed => found.push("it did not end on SIGTERM".to_owned()),
            End::Died { what } => found.push(format!("it ended, {what}")),
        }
        found
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::attack::Times;
    use crate::process::Program;

    /// What is said of an attack that did nothing but this.
    fn judged(change: impl FnOnce(&mut Seen)) -> Seen {
        let attack = Attack::all().next().unwrap();
        let program = Program::Executable("/nonexistent".into(), Vec::new());
        let opponent = Opponent::of("x".to_owned(), program, Times::Default);
        let mut seen = Seen::of(attack, &opponent);
        seen.accepts = true;
        seen.before.resident_bytes = Some(1_000);
        seen.before.private_bytes = Some(1_000);
        seen.peak.resident_bytes = 1_000;
        seen.attackers.sent_bytes = 10;
        seen.quiet = windows(&[10, 11, 12]);
        seen.attacked = windows(&[20, 20, 90]);
        change(&mut seen);
        seen.judge(End::Stopped, None, attack);
        seen
    }

    fn windows(p99_ns: &[u64]) -> Windows {
        Windows {
            p99_ns: p99_ns.into(),
            cpu: vec![0.1],
        }
    }

    #[test]
    fn an_attack_that_did_nothing_did_no_harm() {
        let seen = judged(|_| ());
        assert!(!seen.is_harmed(), "{seen:#?}");
        assert_eq!(seen.p99_ratio, Some(20.0 / 11.0));
    }

    #[test]
    fn memory_beyond_the_budget_and_beyond_what_was_sent_is_harm() {
        let grown = |bytes, budget| {
            judged(|seen| {
                seen.budget_bytes = budget;
                seen.peak.resident_bytes += bytes;
                seen.peak.private_bytes = 1_000 + bytes;
            })
        };
        assert_eq!(grown(999, Some(999)).failures.len(), 0);
        assert!(grown(999, Some(998)).failures[0].contains("its budget of 998"));
        assert_eq!(grown(1_000, None).memory_amplification, Some(100.0));
        assert!(grown(1_000, None).failures[0].contains("costs 100 bytes"));
    }

    #[test]
    fn a_ratio_counts_only_where_it_was_quiet() {
        let slow = |quiet: &[u64]| {
            let seen = judged(|seen| {
                seen.quiet = windows(quiet);
                seen.attacked = windows(&[23]);
            });
            (seen.noisy, seen.slow)
        };
        assert_eq!(slow(&[10, 11, 12]), (false, true));
        assert_eq!(slow(&[10, 11, 21]), (true, false));
        assert_eq!(slow(&[12, 12, 12]), (false, false));
    }

    #[test]
    fn a_server_that_spins_or_accepts_nobody_is_harmed() {
        assert!(judged(|seen| seen.cpu_at_rest = 0.4).failures[0].contains("when nobody asks"));
        assert!(judged(|seen| seen.accepts = false).failures[0].contains("not served"));
        let crossed = judged(|seen| {
            seen.attackers.cpu_ns = 10;
            seen.attackers.elapsed_ns = 10_000;
            seen.attacked.cpu = vec![0.2];
        });
        assert!(crossed.failures[0].contains("costs 100 s"), "{crossed:#?}");
    }
}
