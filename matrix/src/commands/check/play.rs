//! Plays cases against one server on a bounded number of connections, and shows how far that is.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use orthant_conformance::{
    Case, Pieces, Script, Socket, Target, Verdict, allowed, came, judge, run,
};
use serde::Serialize;

use crate::error::{Fault, Faulty};
use crate::process;

/// What was found in one case: the worst of its runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Judged {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) group: String,
    #[serde(rename = "ref")]
    pub(super) section: String,
    pub(super) level: &'static str,
    #[serde(serialize_with = "in_one_word")]
    pub(super) verdict: Verdict,
    /// How often it was played: once, or for every cut.
    pub(super) runs: usize,
    /// Where it was cut in that run.
    pub(super) cut_at: Option<usize>,
    pub(super) sent: String,
    pub(super) came: String,
    pub(super) allowed: String,
    /// The runs that failed at the first try and passed at the second.
    pub(super) second_tries: Vec<FirstTry>,
}

/// What came of a run that was played once more and passed then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FirstTry {
    pub(super) cut_at: Option<usize>,
    pub(super) came: String,
}

fn in_one_word<S: serde::Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.name())
}

/// A case in certain pieces.
struct Job<'c> {
    case: &'c Case,
    pieces: Pieces,
}

/// Plays the cases; what was found, in their order.
///
/// # Errors
/// When the user interrupts it.
pub(super) fn play(
    address: SocketAddr,
    cases: &[Case],
    connections: u32,
    progress: &Progress,
) -> Result<Vec<Judged>> {
    let target = Socket::new(address);
    let jobs: Vec<Job> = jobs(cases).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..(connections as usize).min(jobs.len()) {
            scope.spawn(|| {
                while !process::is_interrupted()
                    && let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let judged = job.judged(&target);
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    keep_worst(&mut found, judged);
                    progress.step();
                }
            });
        }
    });
    if process::is_interrupted() {
        return Err(anyhow!("interrupted; nothing is kept")).fault(Fault::Interrupted);
    }
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(cases
        .iter()
        .filter_map(|case| found.remove(&case.id))
        .collect())
}

/// How often cases are played in all.
pub(super) fn runs(cases: &[Case]) -> usize {
    jobs(cases).count()
}

/// The slow ones first: the others have long been played when they end.
fn jobs(cases: &[Case]) -> impl Iterator<Item = Job<'_>> {
    let (slow, rest): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.slow);
    slow.into_iter().chain(rest).flat_map(|case| {
        let cuts = case.every_cut.then(|| {
            // Ports have five digits nearly always, and a cut beyond the end is none.
            let bytes = Script::of(case, "localhost:65535").bytes_total();
            Pieces::cuts(bytes)
        });
        [Pieces::Whole]
            .into_iter()
            .chain(cuts.into_iter().flatten())
            .map(move |pieces| Job { case, pieces })
    })
}

fn keep_worst(found: &mut BTreeMap<String, Judged>, mut judged: Judged) {
    match found.get_mut(&judged.id) {
        None => {
            found.insert(judged.id.clone(), judged);
        }
        Some(before) => {
            let runs = before.runs + 1;
            before.second_tries.append(&mut judged.second_tries);
            if judged.verdict > before.verdict {
                judged.second_tries = std::mem::take(&mut before.second_tries);
                *before = judged;
            }
            before.runs = runs;
        }
    }
}

impl Job<'_> {
    fn judged(&self, target: &Socket) -> Judged {
        tried(|| self.once(target))
    }

    fn once(&self, target: &Socket) -> Judged {
        let case = self.case;
        let script = Script::of(case, target.host());
        let (verdict, came) = match run(target, case, &script, self.pieces) {
            Ok(observed) => (judge(case, &observed, target.host()), came(&observed)),
            Err(error) => (Verdict::Failed, format!("no connection: {error}")),
        };
        Judged {
            id: case.id.clone(),
            name: case.name.clone(),
            group: case.group.clone(),
            section: case.section.clone(),
            level: case.level.name(),
            verdict,
            runs: 1,
            cut_at: match self.pieces {
                Pieces::Cut(at) => Some(at),
                Pieces::Whole | Pieces::Bytes => None,
            },
            sent: script.shown(),
            came,
            allowed: allowed(case),
            second_tries: Vec::new(),
        }
    }
}

/// A chance event, as a pause of the machine, does not repeat; a true failure does, mostly, so what a second try hides is
/// told. What must never come has no excuse and no second try.
fn tried(mut once: impl FnMut() -> Judged) -> Judged {
    let first = once();
    if first.verdict != Verdict::Failed {
        return first;
    }
    let second = once();
    match second.verdict {
        Verdict::Passed | Verdict::Warned => Judged {
            second_tries: vec![FirstTry {
                cut_at: first.cut_at,
                came: first.came,
            }],
            ..second
        },
        Verdict::Failed => first,
        Verdict::Critical => second,
    }
}

/// How far a check is: a bar on a terminal, a line per design elsewhere; on stderr.
#[derive(Debug)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(designs: usize, runs_each: usize) -> Progress {
        let bar = if stderr().is_terminal() {
            ProgressBar::new((designs * runs_each) as u64)
        } else {
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} runs, {eta} left  {msg}")
            .expect("the template is valid");
        bar.set_style(style);
        Progress(bar)
    }

    pub(super) fn begin(&self, design: &str) {
        self.0.set_message(design.to_owned());
        if !stderr().is_terminal() {
            eprintln!("checking {design} …");
        }
    }

    pub(super) fn say(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }

    fn step(&self) {
        self.0.inc(1);
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use orthant_conformance::{arena, h1};

    use super::*;

    #[test]
    fn shapes_are_played_at_every_cut_and_other_cases_once() {
        assert_eq!(runs(&h1()), h1().len());
        let cases = arena(1);
        let shapes: Vec<Case> = cases
            .iter()
            .filter(|case| case.every_cut)
            .cloned()
            .collect();
        let bytes = |case: &Case| Script::of(case, "localhost:65535").bytes_total();
        assert_eq!(runs(&shapes), shapes.iter().map(bytes).sum::<usize>());
        assert_eq!(runs(&cases) - runs(&shapes), cases.len() - shapes.len());
    }

    fn judged(verdict: Verdict, cut_at: Option<usize>) -> Judged {
        Judged {
            id: "x".into(),
            name: String::new(),
            group: String::new(),
            section: String::new(),
            level: "MUST",
            verdict,
            runs: 1,
            cut_at,
            sent: String::new(),
            came: verdict.name().into(),
            allowed: String::new(),
            second_tries: Vec::new(),
        }
    }

    fn first_try(cut_at: usize) -> FirstTry {
        FirstTry {
            cut_at: Some(cut_at),
            came: "failed".into(),
        }
    }

    #[test]
    fn the_worst_run_of_a_case_is_kept_and_every_second_try() {
        let again = |verdict, cut_at| Judged {
            second_tries: vec![first_try(cut_at)],
            ..judged(verdict, Some(cut_at))
        };
        let mut found = BTreeMap::new();
        for judged in [
            judged(Verdict::Passed, None),
            again(Verdict::Passed, 4),
            judged(Verdict::Failed, Some(1)),
            again(Verdict::Warned, 2),
            judged(Verdict::Failed, Some(3)),
        ] {
            keep_worst(&mut found, judged);
        }
        let worst = Judged {
            runs: 5,
            second_tries: vec![first_try(4), first_try(2)],
            ..judged(Verdict::Failed, Some(1))
        };
        assert_eq!(found["x"], worst);
    }

    #[test]
    fn a_failure_has_a_second_try_that_is_told_and_what_is_critical_has_none() {
        use Verdict::{Critical, Failed, Passed, Warned};
        for (verdicts, kept, tries, told) in [
            (&[Passed][..], Passed, 1, false),
            (&[Warned], Warned, 1, false),
            (&[Failed, Passed], Passed, 2, true),
            (&[Failed, Warned], Warned, 2, true),
            (&[Failed, Failed], Failed, 2, false),
            (&[Failed, Critical], Critical, 2, false),
            (&[Critical, Passed], Critical, 1, false),
        ] {
            let mut played = 0;
            let found = tried(|| {
                played += 1;
                judged(verdicts[played - 1], Some(7))
            });
            let second_tries = if told { vec![first_try(7)] } else { vec![] };
            let expected = (kept, tries, second_tries);
            assert_eq!(
                (found.verdict, played, found.second_tries),
                expected,
                "{verdicts:?}"
            );
        }
    }

    #[test]
    fn a_server_that_is_not_there_fails() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let found = play(address, &h1()[..2], 2, &Progress::new(1, 2)).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|judged| judged.verdict == Verdict::Failed));
        assert!(
            found[0].came.starts_with("no connection"),
            "{}",
            found[0].came
        );
    }
}
