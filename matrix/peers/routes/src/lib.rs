//! What all peers share: the command line, the listeners, the line that says where they listen, and what the routes answer.
//!
//! It knows no framework. How a request comes to its route, and how an answer is made of what is returned here, is each
//! peer's own, since that is what is compared.

mod arena;
mod items;
mod probe;
mod start;

pub use arena::{DELAY_MS_MAX, JSON, TEXT, delay_ms, document, sum};
pub use probe::{METHODS, Reply, reply};
pub use start::{App, Arguments, announce, arguments, listen, started};

/// Content beyond this is answered with 413, as Orthant does by default.
pub const CONTENT_BYTES_MAX: usize = 10 * 1024 * 1024;
