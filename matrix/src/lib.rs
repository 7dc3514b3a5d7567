//! The matrix: builds every design, drives the same load against each, records what it saw, says which differences are
//! real. It starts designs as processes and links none of the measured code.
