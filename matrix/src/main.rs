//! `cargo matrix`: to be written.

fn main() {}
