//! Drives a worker by readiness: edge-triggered epoll, one thread, one shared receive buffer.
//!
//! What is peculiar here: the kernel never holds memory of ours beyond a call, so bytes are received into one buffer that
//! all connections of the thread share, and an idle connection costs no memory for receiving. Each socket is registered
//! once, for both directions; after that only `recv` and `send` are called, and a send is tried at once. It cannot be said
//! in one call what to do with several sockets, nor beforehand what to do with the next bytes. Needs nothing but
//! descriptors.
//!
//! Edge-triggered because it saves the kernel from looking at every ready socket again on each wait, and because it lets
//! both directions be registered once: compared with the level-triggered loop at 64 connections it takes 0.8 % less CPU
//! per request at depth 1 (98.5 % interval 0.4 to 1.2) and no less at depth 16.

mod run;
mod sockets;
mod sys;
mod tuning;

pub use run::run;
pub use tuning::Tuning;

/// The name of the value on the axis `backend`.
pub const NAME: &str = "epoll";
