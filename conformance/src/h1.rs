//! The cases for HTTP/1.1 of `cases/h1.json`: compiled from the RFCs and from what public test suites and write-ups on
//! smuggling look for. They want the probe application, whose answers are: GET, HEAD, OPTIONS, DELETE, PUT on any path 200
//! and `OK`; POST 200 and the content; `/echo` the received fields, a line each; `/cookie` the pairs of the cookies, a
//! line each; `/big` 1 MiB.

use crate::case::Case;

const FILE: &str = include_str!("../cases/h1.json");

/// The cases, in the order of the file.
///
/// # Panics
/// Never: the file is built in, and a test reads it.
#[must_use]
pub fn h1() -> Vec<Case> {
    serde_json::from_str(FILE).expect("the file of cases was read by a test")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::script::Script;

    #[test]
    fn the_file_is_read_and_every_case_can_be_sent() {
        let cases = h1();
        assert_eq!(cases.len(), 577);
        assert_eq!(cases.iter().filter(|case| case.slow).count(), 14);
        let ids: BTreeSet<&str> = cases.iter().map(|case| &case.id[..]).collect();
        assert_eq!(ids.len(), cases.len(), "an id stands twice");
        for case in &cases {
            assert!(!case.allowed.is_empty(), "{}", case.id);
            assert!(case.section.starts_with("RFC 9"), "{}", case.id);
            let script = Script::of(case, "localhost:8080");
            let text = script.bytes().escape_ascii().to_string();
            assert!(!text.contains("{{"), "{}: {text}", case.id);
            assert!(script.bytes_total() > 0 || case.slow, "{}", case.id);
        }
    }
}
