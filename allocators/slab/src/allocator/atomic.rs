//! The atomics of `remote`. A model of it brings its own in their place (`tests/model.rs`).

pub(crate) use std::sync::atomic::{AtomicPtr, Ordering};
