//! The files for operators, held against the executable: each option that they give it is one that it has, and what the
//! unit of systemd forbids is nothing that it does. Whether systemd would take the unit, only systemd can say.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use seccompiler::{BpfProgram, apply_filter, compile_from_json};

use super::running::*;

fn file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(name)).unwrap()
}

/// The values that a unit gives a name, in their order.
fn values(unit: &str, name: &str) -> Vec<String> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
        .collect()
}

#[test]
fn files_for_operators_give_options_that_there_are() {
    let (_, help, _) = output(&["--help"]);
    let dockerfile = file("Dockerfile");
    let arguments = dockerfile.lines().filter(|line| line.starts_with("CMD "));
    let mut lines = values(&file("contrib/orthant.service"), "ExecStart");
    lines.extend(arguments.map(|line| line.replace(['"', ',', '[', ']'], " ")));
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in lines {
        let words: Vec<_> = line.split_whitespace().collect();
        let options = words.iter().filter(|word| word.starts_with("--"));
        let mut count = 0;
        for option in options {
            assert!(help.contains(&format!("{option} ")), "{option} of {line}");
            count += 1;
        }
        assert!(count > 0, "{line}");
    }
}

/// The socket of the one unit is what the other one listens on.
#[test]
fn the_service_asks_for_the_socket_by_its_name() {
    let start = &values(&file("contrib/orthant.service"), "ExecStart")[0];
    let names = values(&file("contrib/orthant.socket"), "FileDescriptorName");
    assert!(start.ends_with(&format!("--listen systemd:{}", names[0])));
}

/// The system calls of a group, as systemd here knows them; none where there is no systemd.
fn group(name: &str) -> Option<BTreeSet<String>> {
    let mut analyze = Command::new("systemd-analyze");
    let output = analyze
        .args(["syscall-filter", "--no-pager", name])
        .output();
    let output = output.ok().filter(|output| output.status.success())?;
    let mut calls = BTreeSet::new();
    for line in String::from_utf8(output.stdout).unwrap().lines().skip(1) {
        match line.trim() {
            "" => {}
            comment if comment.starts_with('#') => {}
            nested if nested.starts_with('@') => calls.extend(group(nested)?),
            call => drop(calls.insert(call.to_owned())),
        }
    }
    Some(calls)
}

/// What the unit allows, as systemd reads it: later lines add, or take away.
fn allowed() -> Option<BTreeSet<String>> {
    let mut allowed = BTreeSet::new();
    for line in values(&file("contrib/orthant.service"), "SystemCallFilter") {
        let names = line.strip_prefix('~');
        let taken = names.is_some();
        for name in names.unwrap_or(&line).split_whitespace() {
            let calls = match name.starts_with('@') {
                true => group(name)?,
                false => BTreeSet::from([name.to_owned()]),
            };
            match taken {
                true => allowed.retain(|call| !calls.contains(call)),
                false => allowed.extend(calls),
            }
        }
    }
    Some(allowed)
}

/// A filter that ends whoever calls anything else. Calls that seccompiler does not know by name nobody needs.
fn filter(allowed: &BTreeSet<String>) -> BpfProgram {
    let machine = std::env::consts::ARCH.try_into().unwrap();
    let compiled = |calls: &[&String]| {
        let rules: Vec<_> = calls
            .iter()
            .map(|call| serde_json::json!({ "syscall": call }))
            .collect();
        let json = serde_json::json!({ "unit": {
            "mismatch_action": "kill_process", "match_action": "allow", "filter": rules,
        }});
        compile_from_json(json.to_string().as_bytes(), machine)
    };
    let known = allowed.iter().filter(|call| compiled(&[call]).is_ok());
    let known: Vec<_> = known.collect();
    compiled(&known).unwrap().remove("unit").unwrap()
}

/// Begins, answers, is told by SIGHUP, and stops, with a filter that a child inherits.
#[test]
fn the_unit_lets_every_system_call_pass_that_a_server_makes() {
    let Some(allowed) = allowed() else {
        eprintln!("there is no systemd-analyze here to say what the unit allows");
        return;
    };
    assert!(!allowed.contains("reboot") && !allowed.contains("setuid"));
    let filter = filter(&allowed);
    let live = || {
        apply_filter(&filter).unwrap();
        let (mut child, address) = start(&["--workers", "2"]);
        let mut clients: Vec<_> = (0..16).map(|_| served(address)).collect();
        for client in &mut clients {
            for request in [
                "GET /json/50?m=2 HTTP/1.1\r\nHost: a\r\n\r\n",
                "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd",
                "GET /delay/5 HTTP/1.1\r\nHost: a\r\n\r\n",
            ] {
                client.write_all(request.as_bytes()).unwrap();
                read_answers(client, 1);
            }
        }
        child.signal("-HUP");
        clients.extend((0..16).map(|_| served(address)));
        child.terminate();
        for client in &mut clients {
            client.read_to_end(&mut Vec::new()).unwrap();
        }
        assert!(child.wait().unwrap().success());
    };
    std::thread::scope(|scope| scope.spawn(live).join().unwrap());
}
