//! Attacks: what hostile clients do to a server, as data, and what it did to the server and to honest clients.
//!
//! ```text
//!   quiet │ attacked │ quiet │ attacked │ …      a window each; the ratio of the medians of their p99 is what counts
//!   ──────┴──────────┴───────┴──────────┴──▶     honest clients ask all the time, and every answer is checked
//!              mob               mob             comes and leaves with each attacked window
//! ```
//!
//! An attack is a number of clients, how fast they move, and what each does: a list of `Move`s. The mob plays any of
//! them. So an attack is read in one place, its clients cannot do by accident what is not written there, and an attack
//! that somebody reports is added as some lines.
//!
//! Clients move at a bounded rate: what is asked is not whether a flood of packets fills the machine, but what one move
//! of theirs costs the server.

mod crowds;
mod endless;
mod large;
mod leaving;
mod mob;
mod slow;
mod tally;
mod trial;
mod watch;

use std::borrow::Cow;

pub use tally::Tally;
pub use trial::{Opponent, Pace, Reading, Seen, Times, Windows, tried};
pub use watch::Peak;

/// What hostile clients do.
#[derive(Debug)]
pub struct Attack {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub does: &'static str,
    /// Where it is known from.
    pub origin: &'static str,
    /// Clients at one time.
    clients: usize,
    /// How often they move in a second, all of them together: connecting, sending, leaving.
    moves_per_s: u32,
    /// Whether they read what is answered; if not, only as far as a move says.
    reads: Reads,
    /// Descriptors that the server may have (RLIMIT_NOFILE), where that is part of the attack.
    descriptors: Option<u64>,
    /// What they do; client number n follows script number n modulo their number. Who comes to the end of its script
    /// stays until the server ends the connection, and whose connection has ended connects again.
    scripts: fn() -> Vec<Vec<Move>>,
}

/// Whether clients read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    /// Whatever comes, at once.
    All,
    /// Nothing by themselves, over a receive buffer of the smallest size that the kernel allows.
    Nothing,
}

/// One thing that a client does.
#[derive(Clone, Debug)]
enum Move {
    /// Sends these bytes, however long the server takes to receive them.
    Send(Cow<'static, [u8]>),
    /// Sends them byte by byte, each in a packet of its own, with as many milliseconds between two.
    Drip(Cow<'static, [u8]>, u64),
    /// Waits for the first bytes of an answer.
    Await,
    /// Waits for so many milliseconds.
    Pause(u64),
    /// Reads so many bytes at most.
    Sip(usize),
    /// Ends its sending direction (FIN), and stays.
    Finish,
    /// Ends the connection by a reset.
    Reset,
    /// Ends the connection as usual.
    Close,
    /// Goes on with the move of this number.
    Repeat(usize),
}

impl Attack {
    /// Every attack, in the order of the documents.
    pub fn all() -> impl Iterator<Item = &'static Attack> {
        [
            slow::ATTACKS,
            endless::ATTACKS,
            large::ATTACKS,
            crowds::ATTACKS,
            leaving::ATTACKS,
        ]
        .into_iter()
        .flatten()
    }

    /// The most clients that an attack has at one time.
    #[must_use]
    pub fn clients_max() -> u64 {
        Attack::all()
            .map(|attack| attack.clients as u64)
            .max()
            .unwrap_or(0)
    }
}

/// Sends what is known when this is compiled.
const fn send(bytes: &'static str) -> Move {
    Move::Send(Cow::Borrowed(bytes.as_bytes()))
}

/// Sends what is put together.
fn send_all(bytes: impl Into<Vec<u8>>) -> Move {
    Move::Send(Cow::Owned(bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_have_names_of_their_own_and_scripts_that_move() {
        let names: Vec<&str> = Attack::all().map(|attack| attack.name).collect();
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len(), "{names:?}");
        for attack in Attack::all() {
            assert!(attack.clients > 0 && attack.moves_per_s > 0);
            let scripts = (attack.scripts)();
            assert!(!scripts.is_empty(), "{}", attack.name);
            for script in scripts {
                // A loop without a move in it would never end.
                for (at, step) in script.iter().enumerate() {
                    if let Move::Repeat(to) = step {
                        assert!(*to < at, "{}", attack.name);
                    }
                }
            }
        }
    }
}
