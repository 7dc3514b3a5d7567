//! Logs, as somebody asks for them on the command line.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use super::running::{command, output, read_answers, served, start};

#[test]
fn an_access_log_on_standard_output_follows_the_announcement() {
    let (mut server, address) = start(&["--workers", "1", "--access-log", "-"]);
    drop(served(address));
    server.terminate();
    let mut rest = String::new();
    server
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut rest)
        .unwrap();
    assert!(server.wait().unwrap().success());
    let line = rest.strip_suffix('\n').unwrap();
    assert!(
        line.starts_with("time=20") && line.contains(" worker=0 "),
        "{line:?}"
    );
    assert!(
        line.contains(" method=\"GET\" target=\"/healthz\" version=1.1 status=204 bytes=0 ms=")
    );
}

#[test]
fn standard_output_that_nobody_reads_holds_up_neither_clients_nor_the_end() {
    let (mut server, address) = start(&["--workers", "1", "--access-log", "-"]);
    let mut client = served(address);
    let batch = "GET /pipeline HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    // More than the pipe, the batch under way and the queue hold together.
    for _ in 0..200 {
        client.write_all(batch.as_bytes()).unwrap();
        read_answers(&mut client, 100);
    }
    drop(client);
    server.terminate();
    assert!(server.wait().unwrap().success());
    let mut said = String::new();
    let mut errors = server.stderr.take().unwrap();
    errors.read_to_string(&mut said).unwrap();
    assert!(
        said.contains(" lines of the access log were lost, "),
        "{said}"
    );
}

#[test]
fn a_hangup_opens_the_access_log_anew() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("access-hangup");
    let moved = path.with_extension("1");
    let _ = (fs::remove_file(&path), fs::remove_file(&moved));
    let name = path.to_str().unwrap();
    let (mut server, address) = start(&["--access-log", name, "--log-format", "json"]);
    drop(served(address));
    fs::rename(&path, &moved).unwrap();
    server.signal("-HUP");
    while !path.exists() {
        std::thread::yield_now();
    }
    drop(served(address));
    server.terminate();
    assert!(server.wait().unwrap().success());
    for path in [&moved, &path] {
        let text = fs::read_to_string(path).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["target"], "/healthz", "{text}");
    }
}

#[test]
fn the_servers_own_log_has_a_level_and_a_format() {
    // So few that they need no more descriptors than there are.
    let few = ["--limit", "connections-max=100"];
    let said = |arguments: &[&str]| {
        let (mut server, address) = start(&[&few, arguments].concat());
        drop(served(address));
        server.terminate();
        assert!(server.wait().unwrap().success());
        let mut said = String::new();
        server
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        said
    };
    assert_eq!(said(&[]), "");
    let info = said(&["--log-level", "info"]);
    assert!(
        info.starts_with("orthant: listening on ") && info.ends_with("orthant: stopped\n"),
        "{info}"
    );
    let json = said(&["--log-level", "info", "--log-format", "json"]);
    for line in json.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["level"], "info");
    }
    assert!(json.lines().count() >= 3);
    // What keeps it from starting is told in every level.
    let (status, _, errors) = output(&[
        "--access-log",
        "/nowhere/log",
        "--log-level",
        "error",
        "--log-format",
        "logfmt",
    ]);
    assert_eq!(status.code(), Some(2));
    assert!(
        errors.contains(" level=error message=\"failed to open the access log /nowhere/log: "),
        "{errors}"
    );
    assert!(
        command(&["--log-level", "loud"])
            .output()
            .unwrap()
            .status
            .code()
            == Some(2)
    );
}
