//! The application of the simulated server: one route for each thing that a handler can do, every answer a function of
//! its request. It notes for the loop whom to resume, and what each connection's request is waiting for.
//!
//! | path | answer |
//! |---|---|
//! | `/fix/N/T`, `/written/N/T` | N letters, told apart by T; the latter measured afterwards |
//! | `/echo` | the content of the request |
//! | `/sum` | length and sum of content that was streamed to the handler |
//! | `/stream/N/T`, `/chunks/N/T` | N letters piece by piece, of known and of unknown length; some pieces are empty |
//! | `/short/N/T` | a stream that ends at half of what it promised |
//! | `/park/T`, `/after/MS/T` | parked until resumed; for so long |
//! | `/effect/T` | makes sure of room, then counts, then says what it counted |
//! | `/none`, `/bye/T`, `/field/T`, `/over/T` | 204; the last answer; a field; more than it asked room for |

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

use orthant_core::{
    Answer, Buffers, Handler, Head, Id, MediaType, Out, Outcome, Piece, Plan, Request, Status,
};

use crate::random::Random;

/// The longest answer, and what answers are made of.
pub(crate) const LETTERS_MAX: usize = 64 * 1024;
static LETTERS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = Random::new(1);
    (0..2 * LETTERS_MAX)
        .map(|_| b'a' + random.below(26) as u8)
        .collect()
});

/// So many letters, others for each tag.
pub(crate) fn letters(tag: u64, count: usize) -> &'static [u8] {
    let from = (tag.wrapping_mul(7_919) % LETTERS_MAX as u64) as usize;
    &LETTERS[from..from + count]
}

/// What a connection's request waits for, as far as the application knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// Nothing: none has been presented, or it has been answered, or begun.
    Nothing,
    /// For room, now or once what is pending has been sent.
    Room,
    /// To be resumed, or for a time.
    Parked,
    /// It is being answered, piece by piece.
    Pieces,
}

/// What the application tells the loop.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// To be resumed some time.
    pub(crate) parked: Vec<Id>,
    /// A request has been presented.
    presented: bool,
    waits: HashMap<Id, Waits>,
    effects: HashMap<Id, u64>,
    pub(crate) again: u64,
    pub(crate) timed: u64,
    pub(crate) quiet: u64,
    pub(crate) pieces: u64,
}

impl Notes {
    pub(crate) fn waits(&self, id: Id) -> Waits {
        self.waits.get(&id).copied().unwrap_or(Waits::Nothing)
    }

    /// Whether a request has been presented since this was last asked.
    pub(crate) fn take_presented(&mut self) -> bool {
        std::mem::take(&mut self.presented)
    }

    pub(crate) fn forget(&mut self, id: Id) {
        self.waits.remove(&id);
        self.effects.remove(&id);
    }
}

/// What is kept of a request between calls.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    id: Option<Id>,
    seen: u64,
    sum: u32,
    parked: bool,
    turns: u64,
}

pub(crate) struct Shop(pub(crate) Rc<RefCell<Notes>>);

const TEXT: &MediaType = &MediaType::TEXT;

/// The parts of a path, the numbers in them read; 0 where there is none.
fn route<'r>(request: &Request<'r>) -> (&'r str, u64, u64) {
    let path = std::str::from_utf8(request.head.path()).unwrap_or_default();
    let mut parts = path.strip_prefix('/').unwrap_or_default().split('/');
    let name = parts.next().unwrap_or_default();
    let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    (name, number(), number())
}

impl Handler for Shop {
    type Exchange = Visit;

    fn on_head(&mut self, head: &Head<'_>, _: &mut Visit) -> Plan {
        if head.path() == b"/sum" {
            Plan::Stream
        } else {
            Plan::Collect
        }
    }

    fn on_content(&mut self, piece: &[u8], visit: &mut Visit) {
        self.0.borrow_mut().pieces += 1;
        visit.seen += piece.len() as u64;
        for byte in piece {
            visit.sum = visit.sum.wrapping_mul(31).wrapping_add(u32::from(*byte));
        }
    }

    fn on_request(
        &mut self,
        request: &Request<'_>,
        visit: &mut Visit,
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        let id = answer.id();
        visit.id = Some(id);
        let mut notes = self.0.borrow_mut();
        notes.presented = true;
        notes.again += u64::from(notes.waits(id) == Waits::Room);
        let parked = visit.parked;
        let outcome = answered(&mut notes, request, visit, answer);
        let waits = match (&outcome, visit.parked && !parked) {
            (Ok(_), _) => Waits::Nothing,
            (Err(_), true) => Waits::Parked,
            (Err(_), false) => Waits::Room,
        };
        notes.waits.insert(id, waits);
        outcome
    }

    fn on_room(&mut self, request: &Request<'_>, visit: &mut Visit, out: &mut Out<'_>) -> Piece {
        let (name, first, tag) = route(request);
        let size = (first as usize).min(LETTERS_MAX);
        let end = if name == "short" { size / 2 } else { size };
        let from = visit.seen as usize;
        let turn = visit.turns;
        visit.turns += 1;
        let mut notes = self.0.borrow_mut();
        let mut waits = |waits| visit.id.map(|id| notes.waits.insert(id, waits));
        waits(Waits::Pieces);
        if from < end && (tag + turn) % 5 == 4 {
            notes.quiet += 1;
            notes.parked.extend(visit.id);
            return Piece::More;
        }
        let size = 1 + (tag * 31 + turn * 1_117) as usize % 3_000;
        let to = end.min(from + size).min(from + out.left());
        out.bytes(&letters(tag, end)[from..to]);
        visit.seen = to as u64;
        // The last piece, or one that says so alone.
        let alone = tag % 2 == 0 && from < end;
        if to == end && (name != "chunks" || !alone) {
            waits(Waits::Nothing);
        }
        if to == end && !alone {
            Piece::End
        } else {
            Piece::More
        }
    }
}

fn answered(
    notes: &mut Notes,
    request: &Request<'_>,
    visit: &mut Visit,
    mut answer: Answer<'_, impl Buffers>,
) -> Outcome {
    let (name, first, tag) = route(request);
    let id = answer.id();
    let size = (first as usize).min(LETTERS_MAX);
    match name {
        "fix" => answer.send(Status::OK, TEXT, letters(tag, size)),
        "written" => {
            let room = size + tag as usize % 50;
            answer.write(Status::OK, TEXT, room, |out| out.bytes(letters(tag, size)))
        }
        "echo" => answer.send(Status::OK, TEXT, request.content),
        "sum" => {
            let text = format!("{} {}", visit.seen, visit.sum);
            answer.send(Status::OK, TEXT, text.as_bytes())
        }
        "stream" | "short" => answer.stream(Status::OK, TEXT, Some(size as u64)),
        "chunks" => answer.stream(Status::OK, TEXT, None),
        "park" if !visit.parked => {
            visit.parked = true;
            notes.parked.push(id);
            answer.park()
        }
        "after" if !visit.parked => {
            visit.parked = true;
            notes.timed += 1;
            answer.park_ms(first)
        }
        "park" => answer.send(Status::OK, TEXT, format!("resumed {first}").as_bytes()),
        "after" => answer.send(Status::OK, TEXT, format!("later {tag}").as_bytes()),
        "effect" => {
            answer.room(64)?;
            // With room made sure of, this request is not presented again: it is counted once and no more.
            let effect = notes.effects.entry(id).or_default();
            *effect += 1;
            let text = format!("effect {effect} of {first}");
            answer.send(Status::OK, TEXT, text.as_bytes())
        }
        "none" => answer.empty(Status::NO_CONTENT),
        "bye" => answer
            .close()
            .send(Status::OK, TEXT, format!("bye {first}").as_bytes()),
        "field" => answer
            .fields(&[("X-Tag", &format!("{first}"))])
            .empty(Status::OK),
        "over" => answer.write(Status::OK, TEXT, 3, |out| out.bytes(b"four")),
        _ => answer.empty(Status::NOT_FOUND),
    }
}
