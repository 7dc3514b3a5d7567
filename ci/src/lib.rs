//! The checks of the project as one program: steps in a fixed order, each named and timed.
//!
//! Everything that decides whether a change is good stands here and nowhere else: the workflow files only list steps. A
//! rule of the project that can be checked is checked here, with a message that says what to do.
//!
//! It depends on no other package of the workspace, so it can judge all of them while they are broken.

pub mod arrows;
pub mod checkout;
pub mod cli;
pub mod rules;
pub mod run;
pub mod steps;
pub mod tools;
