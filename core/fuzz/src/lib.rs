//! What the fuzz targets share: an application, a peer without a socket, a slow decoder of chunks.
//!
//! A target is an invariant over any bytes; it holds no cases. Inputs are the bytes that a peer sends, as they are, so that
//! seeds can be read and written by hand and the words of `http.dict` are found in them. Nothing here knows more of the core
//! than a backend and an application do.

mod chunks;
mod echo;
mod peer;
mod script;

pub use chunks::{Decoded, decode};
pub use echo::Echo;
pub use peer::{Peer, START, answers_to, visible};
pub use script::{Operation, at_once, operations};
