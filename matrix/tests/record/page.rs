//! The page: what is on it, what is not, and that it asks for nothing.

use orthant_matrix::axes::Coverage;
use orthant_matrix::html;
use orthant_matrix::record::Record;
use orthant_matrix::report::Report;

use super::comparison::{compared, counted};
use super::{idle, soak, sweep};

fn page(record: Record) -> String {
    let page = html::page(&Report::of(record).unwrap());
    for request in [
        "http:", "https:", "//", "<script", "<link", "<img", "<iframe", "@import", "url(", " src=",
    ] {
        let found = page
            .find(request)
            .map(|at| &page[at..page.len().min(at + 60)]);
        assert_eq!(found, None, "{request}");
    }
    page
}

fn has(page: &str, parts: &[&str]) -> Vec<bool> {
    parts.iter().map(|part| page.contains(part)).collect()
}

#[test]
fn the_page_of_a_comparison_shows_its_decision_and_escapes_names() {
    assert!(page(compared(0)).contains("<strong>UNDECIDED</strong>"));
    let page = page(compared(8));
    let parts = [
        "<strong>NO-GO</strong>",
        "Each metric against its margin",
        "WORSE",
        "./&lt;b&gt;&amp;&quot;",
    ];
    assert_eq!(has(&page, &parts), [true; 4], "{page}");
    assert_eq!(
        has(
            &page,
            &[
                "<b>",
                "Effects of the axes",
                "Idle connections",
                "Decisions"
            ]
        ),
        [false; 4]
    );
}

#[test]
fn the_page_of_a_sweep_shows_effects_unbeaten_designs_and_invalid_cells() {
    let mut record = sweep::swept(Coverage::Full);
    let sound = page(record.clone());
    let parts = [
        "CPU against memory",
        "Response time by percentile",
        "Effects of the axes",
        "launch by launch",
    ];
    assert_eq!(has(&sound, &parts), [true; 4], "{sound}");
    assert_eq!(
        has(
            &sound,
            &[
                "Decision",
                "Idle connections",
                "INVALID",
                "class=\"dot c0 invalid\""
            ]
        ),
        [false; 4]
    );
    assert!(
        sound.contains("epoll+split  10.3 µs, 1.00 MiB") && sound.contains("Every cell is valid")
    );
    record.launches.values_mut().next().unwrap().arms[0].wrong = 3;
    let page = page(record);
    assert!(page.contains("class=\"dot c0 invalid\""), "{page}");
    assert!(
        page.contains("! epoll+flat under baseline: 3 wrong answers"),
        "{page}"
    );
}

#[test]
fn the_page_of_idle_connections_shows_their_memory() {
    let page = page(idle::record(
        [(Some(0)), None].map(|arm| idle::start(arm, 0, 4_000, 7_000)),
    ));
    assert_eq!(
        has(
            &page,
            &[
                "Idle connections",
                "Private memory over idle connections",
                "4000"
            ]
        ),
        [true; 3]
    );
    assert_eq!(has(&page, &["CPU against memory", "Decision"]), [false; 2]);
}

#[test]
fn the_page_of_a_soak_shows_a_line_for_each_start_of_the_server() {
    let page = page(soak::record(
        &[1, 2].map(|seed| soak::bytes(60, seed, |_| 0.0)),
    ));
    let parts = [
        "Private memory over time",
        "Throughput over time",
        "p99 over time",
        "start 1",
        "start 2",
        "How fast private memory drifts",
        "DECISION  INCONCLUSIVE",
    ];
    assert_eq!(has(&page, &parts), [true; 7], "{page}");
    assert_eq!(has(&page, &["CPU against memory", "start 3"]), [false; 2]);
}

#[test]
fn the_page_of_a_soak_says_how_it_was_loaded() {
    let record = || soak::record(&[soak::bytes(60, 1, |_| 0.0)]);
    let sound = page(record());
    let parts = [
        "open loop, 1000 requests/s",
        ">epochs</th>",
        "Every cell is valid",
    ];
    assert_eq!(has(&sound, &parts), [true; 3], "{sound}");
    let others = ["closed loop", "rounds per launch"];
    assert_eq!(has(&sound, &others), [false; 2], "{sound}");
    let mut record = record();
    let soaked = record.soaks.values_mut().next().unwrap();
    soaked.segments[0].epochs[0].wrong = 3;
    let wrong = page(record);
    let parts = [
        "! 3 wrong answers",
        "One reason for which figures do not count:",
    ];
    assert_eq!(has(&wrong, &parts), [true; 2], "{wrong}");
    assert!(!wrong.contains("Every cell is valid"), "{wrong}");
}

#[test]
fn what_is_counted_is_drawn_though_its_margin_is_nothing() {
    let page = page(counted());
    let parts = ["allocations (shown)", "+0.05 % [+0.05, +0.05]"];
    assert_eq!(has(&page, &parts), [true; 2], "{page}");
    assert_eq!(has(&page, &["NaN", "inf%"]), [false; 2], "{page}");
}
