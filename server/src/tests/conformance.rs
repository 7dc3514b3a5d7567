//! The conformance cases in memory: every case, with every buffer strategy, its bytes in every kind of pieces, and its
//! answers taken at once and byte by byte. Both applications live in this package, so the cases are run here and not in
//! core.
//!
//! Time is simulated, so the slow cases are among them. A long case is cut at as many offsets as [`Pieces::cuts`] says, and
//! one of many requests at as many of those as [`REQUESTS_MAX`] allows.

use orthant::{Buffers, Handler};
use orthant_conformance::{
    Case, Pieces, Reading, Script, Target, Verdict, arena, h1, judge, run, sentence,
};
use orthant_core::{Flat, Leased, Split};

use super::memory::Memory;
use crate::arena::{Arena, Dataset};
use crate::probe::Probe;

/// All cuts of one case ask for so much at most: one request after another looks like the first.
const REQUESTS_MAX: usize = 10_000;

fn pieces(script: &Script) -> Vec<Pieces> {
    let bytes = script.bytes();
    let requests = bytes.windows(4).filter(|end| end == b"\r\n\r\n").count();
    let cuts: Vec<Pieces> = Pieces::cuts(bytes.len()).collect();
    let every = (cuts.len() * requests).div_ceil(REQUESTS_MAX).max(1);
    let cuts = cuts.into_iter().step_by(every);
    [Pieces::Whole, Pieces::Bytes]
        .into_iter()
        .chain(cuts)
        .collect()
}

/// Answers are taken byte by byte, and time stands still meanwhile.
const BYTEWISE: Reading = Reading::Slowly {
    bytes: 1,
    gap_ms: 0,
};

/// Every way in which a case is played: how its answers are taken, and into which pieces it is cut.
fn ways(case: &Case, script: &Script) -> Vec<(Reading, Pieces)> {
    let bytewise = match case.reading {
        Reading::AtOnce => Some((BYTEWISE, Pieces::Whole)),
        Reading::Slowly { .. } => None,
    };
    let pieces = pieces(script).into_iter();
    pieces
        .map(|pieces| (case.reading, pieces))
        .chain(bytewise)
        .collect()
}

/// Plays the cases; a sentence for each that does not pass, with the first pieces for which it does not.
fn complaints<H: Handler, B: Buffers>(target: &Memory<H, B>, cases: &[Case]) -> Vec<String> {
    let mut complaints = Vec::new();
    for case in cases {
        let script = Script::of(case, target.host());
        for (reading, pieces) in ways(case, &script) {
            let case = &Case {
                reading,
                ..case.clone()
            };
            let observed = run(target, case, &script, pieces).expect("a worker has room");
            let verdict = judge(case, &observed, target.host());
            assert_eq!(target.held(), (0, 0), "{} left something behind", case.id);
            if verdict != Verdict::Passed {
                complaints.push(format!(
                    "{} {} {pieces:?} {reading:?} ({}, {}: {}) sent {}; {}",
                    verdict.name(),
                    case.id,
                    case.section,
                    case.level.name(),
                    case.name,
                    script.shown(),
                    sentence(case, &observed)
                ));
                break;
            }
        }
    }
    complaints
}

fn passes_with<B: Buffers>() {
    let probe = complaints(&Memory::<Probe, B>::new(Probe), &h1());
    let application = Arena::new(Dataset::generated());
    let arena = complaints(&Memory::<Arena, B>::new(application), &arena(1));
    let complaints = [probe, arena].concat();
    assert!(
        complaints.is_empty(),
        "{} cases:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

#[test]
fn every_case_passes_in_every_kind_of_pieces_with_flat_buffers() {
    passes_with::<Flat>();
}

#[test]
fn every_case_passes_in_every_kind_of_pieces_with_split_buffers() {
    passes_with::<Split>();
}

#[test]
fn every_case_passes_in_every_kind_of_pieces_with_leased_buffers() {
    passes_with::<Leased>();
}
