//! The conformance cases in memory: every case, with every buffer strategy, its bytes in every kind of pieces, and its
//! answers taken at once and byte by byte. Both applications live in this package, so the cases are run here and not in
//! core.
//!
//! Time is simulated, so the slow cases are among them. Every case is cut at every offset but for those that
//! `only_long_cases_are_not_cut_everywhere` names, so that the tests end within seconds: one that sends more than 4 KiB is
//! cut at as many offsets as [`Pieces::cuts`] says, near the front, near the end and evenly between; and of one of very
//! many requests, which are alike, every n-th of those cuts is made, such that they ask for [`REQUESTS_MAX`] at most.

use std::collections::BTreeSet;

use orthant::{Buffers, Handler};
use orthant_conformance::{
    Case, Pieces, Reading, Script, Target, Verdict, arena, h1, judge, run, sentence,
};
use orthant_core::{Flat, Leased, Split};

use super::memory::Memory;
use crate::arena::{Arena, Dataset};
use crate::probe::Probe;

/// All cuts of one case ask for so much at most: 16 requests are cut everywhere.
const REQUESTS_MAX: usize = 16_000;

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
            assert_eq!(target.held(), [0; 3], "{} left something behind", case.id);
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

#[test]
fn only_long_cases_are_not_cut_everywhere() {
    let cases = [h1(), arena(1)].concat();
    let thinned = cases.iter().filter_map(|case| {
        let script = Script::of(case, "localhost:8080");
        let cuts = pieces(&script)
            .iter()
            .filter(|pieces| matches!(pieces, Pieces::Cut(_)))
            .count();
        let offsets = script.bytes_total().saturating_sub(1);
        (cuts < offsets).then(|| (&case.id[..], offsets, cuts))
    });
    // With the offsets that there are, and those at which it is cut.
    let expected = [
        // More than 4 KiB in one request.
        ("h1-f2b93c", 4_147, 4_044),
        ("h1-001f86", 8_025, 2_090),
        ("h1-0be9b9", 1_048_659, 15),
        ("h1-140767", 80_039, 209),
        ("h1-40f28d", 105_083, 159),
        ("h1-489079", 70_039, 239),
        ("h1-64d1ef", 10_700_073, 3),
        ("h1-910993", 102_446, 163),
        ("h1-938322", 70_040, 239),
        ("h1-a0e3d9", 99_999, 167),
        ("h1-c0aa3e", 4_194_390, 3),
        ("h1-e9662e", 16_777_220, 3),
        ("h1-fc158a", 16_891_972, 3),
        // A hundred requests and more.
        ("h1-06acff", 79_999, 8),
        ("h1-49c890", 3_999, 160),
        ("arena-200", 9_599, 80),
        ("arena-slow-reader", 102_078, 8),
        ("arena-reset-sending", 102_078, 8),
    ];
    assert_eq!(thinned.collect::<BTreeSet<_>>(), BTreeSet::from(expected));
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
