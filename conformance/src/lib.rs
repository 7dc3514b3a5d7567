//! What an HTTP/1.1 server has to do, as cases: what is sent, in which pieces, which answers are allowed, and whether the
//! connection must close. Each names the section of the RFC that it is about.
//!
//! A [`Case`] is data. [`run()`] plays it against a [`Target`], which may be a server behind a socket ([`Socket`]) or one in
//! memory on simulated time; what came is [`Observed`], and [`judge()`] compares it with what is allowed. Answers are read
//! by a reader of this package's own: it judges servers, so it must not share their mistakes.
//!
//! ```text
//!   Case ─▶ Script ─▶ run ──send, wait──▶ Target        Observed ─▶ judge ─▶ Verdict
//!             ▲        └──────────────────────────────────▲
//!           Pieces: whole, byte by byte, cut in two at an offset
//! ```

mod answer;
mod arena;
mod case;
mod h1;
mod judge;
mod pieces;
mod run;
mod script;
mod socket;
mod statuses;
mod target;
mod text;

pub use answer::{Answer, Answers, Peer, read};
pub use arena::arena;
pub use case::{Case, FieldValue, Level, Outcome, Step};
pub use h1::h1;
pub use judge::{Verdict, allowed, came, judge, sentence};
pub use pieces::Pieces;
pub use run::{Observed, run};
pub use script::Script;
pub use socket::Socket;
pub use statuses::{Statuses, fit};
pub use target::{Closed, Conversation, Reading, Target};
