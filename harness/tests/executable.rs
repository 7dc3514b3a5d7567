//! The executable as whoever drives it sees it: its line, its answers, its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A harness with one worker; killed when this is dropped.
struct Harness {
    child: Child,
    address: String,
}

impl Harness {
    fn start() -> Harness {
        let mut child = Command::new(env!("CARGO_BIN_EXE_orthant-harness"))
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the executable was built for this test");
        let out = child.stdout.take().expect("it was asked for");
        let mut line = String::new();
        BufReader::new(out)
            .read_line(&mut line)
            .expect("it says where it listens");
        assert!(line.starts_with("orthant harness+"), "{line}");
        let (_, address) = line.split_once("listening on ").expect(&line);
        let address = address.split(',').next().unwrap_or_default().to_owned();
        Harness { child, address }
    }

    fn ask(&self, method: &str, path: &str) -> String {
        let mut client = TcpStream::connect(&self.address).expect("it listens");
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: orthant\r\nConnection: close\r\n\r\n");
        client
            .write_all(request.as_bytes())
            .expect("it reads requests");
        let mut answer = String::new();
        client
            .read_to_string(&mut answer)
            .expect("it answers in UTF-8");
        answer
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_workload_answers_with_what_it_did_and_all_else_is_told_what_there_is() {
    let harness = Harness::start();
    let help = harness.ask("GET", "/");
    assert!(help.starts_with("HTTP/1.1 404 "), "{help}");
    let (_, paths) = help.split_once("ask for ").expect(&help);
    let paths: Vec<&str> = paths.trim_end().split(", ").collect();
    assert_eq!(paths.len(), 8, "{help}");
    for path in paths {
        for _ in 0..3 {
            let answer = harness.ask("GET", path);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
            assert!(
                answer.ends_with("operations, 0 wrong\n"),
                "{path}: {answer}"
            );
        }
        let refused = harness.ask("POST", path);
        assert!(refused.starts_with("HTTP/1.1 405 "), "{path}: {refused}");
    }
}

#[test]
fn the_design_says_which_allocator_serves() {
    let told = Command::new(env!("CARGO_BIN_EXE_orthant-harness"))
        .arg("--design")
        .output()
        .expect("the executable was built for this test");
    let design: serde_json::Value = serde_json::from_slice(&told.stdout).expect("it is JSON");
    assert_eq!(design["allocator_serves"], true);
    let name = design["name"].as_str().expect("it has a name");
    let allocator = design["allocator"].as_str().expect("it has an allocator");
    assert!(name.starts_with(&format!("harness+{allocator}")), "{name}");
}

#[test]
fn a_port_in_use_is_said() {
    let harness = Harness::start();
    let second = Command::new(env!("CARGO_BIN_EXE_orthant-harness"))
        .args(["--listen", &harness.address])
        .output()
        .expect("the executable was built for this test");
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(2), "{said}");
    assert!(said.contains(&harness.address), "{said}");
}
