//! What the application answers, told from the request alone: a second telling of `shop.rs`, so that neither can be wrong
//! alone.

use orthant_core::Limits;

use super::request::Asked;
use crate::shop::{LETTERS_MAX, letters};

/// How the content of an answer is framed (RFC 9112 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framed {
    /// There is none, nor may there be a length.
    Without,
    Length,
    Chunks,
    ToClose,
}

/// The answer that a request gets, if nothing comes between.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) status: u16,
    pub(super) content: Vec<u8>,
    pub(super) framed: Framed,
    /// The length that the head states, if another than the content has.
    pub(super) stated: usize,
    pub(super) tag: Option<u64>,
    /// The connection closes after it.
    pub(super) closes: bool,
    /// It is the application that closes.
    pub(super) last: bool,
    /// The application ends it before its time.
    pub(super) torn: bool,
    /// It may have to wait for a region from the pool.
    pub(super) waits: bool,
}

/// The bytes that a region from the pool has.
const REGION_BYTES: usize = 16 * 1024;

/// The bytes that the smallest region has that a connection can have of its own, and what of it the head of an answer may
/// need.
const OWN_BYTES: usize = 4 * 1024;
const HEAD_BYTES: usize = 256;

/// `effects`: how many requests before it on this connection had an effect.
pub(super) fn expected(asked: &Asked, effects: &mut u64, limits: &Limits) -> Expected {
    let mut parts = asked.path.split('/').skip(1);
    let name = parts.next().unwrap_or_default();
    let numbers: Vec<u64> = parts.map(|part| part.parse().unwrap_or(0)).collect();
    let first = numbers.first().copied().unwrap_or(0);
    let tag = numbers.get(1).copied().unwrap_or(0);
    let size = (first as usize).min(LETTERS_MAX);
    let head = asked.method == "HEAD";
    let mut answer = Expected {
        status: 200,
        content: Vec::new(),
        framed: Framed::Length,
        stated: 0,
        tag: None,
        closes: !asked.persists,
        last: false,
        torn: false,
        waits: false,
    };
    // What the application asks room for.
    let mut room = None;
    match name {
        "fix" => answer.content = letters(tag, size).to_vec(),
        "written" => {
            answer.content = letters(tag, size).to_vec();
            room = Some(size + tag as usize % 50);
        }
        "echo" => answer.content.clone_from(&asked.content),
        "sum" => {
            let sum = asked.content.iter().fold(0u32, |sum, byte| {
                sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
            });
            answer.content = format!("{} {sum}", asked.content.len()).into_bytes();
        }
        "stream" | "short" | "chunks" => {
            answer.content = letters(tag, if name == "short" { size / 2 } else { size }).to_vec();
            answer.waits = true;
            if name == "chunks" {
                answer.framed = if asked.old {
                    Framed::ToClose
                } else {
                    Framed::Chunks
                };
                answer.last = asked.old;
                answer.closes |= asked.old;
            }
            if name == "short" {
                answer.torn = !head && size > 0;
                answer.stated = size;
            }
        }
        "park" => answer.content = format!("resumed {first}").into_bytes(),
        "after" => answer.content = format!("later {tag}").into_bytes(),
        "effect" => {
            *effects += 1;
            answer.content = format!("effect {effects} of {first}").into_bytes();
        }
        "none" => {
            answer.status = 204;
            answer.framed = Framed::Without;
        }
        "bye" => {
            answer.content = format!("bye {first}").into_bytes();
            answer.last = true;
            answer.closes = true;
        }
        "field" => answer.tag = Some(first),
        "over" => return failure(answer),
        _ => answer.status = 404,
    }
    if name != "short" {
        answer.stated = answer.content.len();
    }
    let room = HEAD_BYTES + room.unwrap_or(if head { 0 } else { answer.content.len() });
    if !answer.waits {
        answer.waits = room > OWN_BYTES;
        // There is never room for it.
        if room > REGION_BYTES && room.div_ceil(REGION_BYTES) > limits.big_regions_max {
            return failure(answer);
        }
    }
    if head {
        answer.content.clear();
    }
    answer
}

/// The application has failed: the server says so, and closes.
fn failure(answer: Expected) -> Expected {
    Expected {
        status: 500,
        content: Vec::new(),
        stated: 0,
        framed: Framed::Length,
        closes: true,
        last: true,
        waits: answer.waits,
        ..answer
    }
}
