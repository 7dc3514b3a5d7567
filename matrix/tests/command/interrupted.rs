//! Campaigns that end before they are through: what is stored stays, going on needs the same executables, no server is left.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{code, fixture, folder, matrix, measured, record_in, text};

#[test]
fn an_interrupted_campaign_goes_on_where_it_stopped() {
    let folder = folder();
    let path = fixture(folder.path(), "honest");
    let arguments = [
        "run",
        path.to_str().unwrap(),
        "--slice-ms",
        "10",
        "--rounds",
        "6",
        "--connections",
        "4",
    ];
    let arguments = [&arguments[..], &["--launches", "3"]].concat();
    let mut running = matrix(folder.path(), &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = std::io::BufReader::new(running.stderr.take().unwrap());
    let mut lines = std::io::BufRead::lines(said).map(Result::unwrap);
    // The second launch begins when the first one is stored.
    assert!(lines.any(|line| line.starts_with("1/3")));
    let kill = Command::new("kill")
        .args(["-INT", &running.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let last: Vec<String> = lines.collect();
    assert_eq!(running.wait().unwrap().code(), Some(130), "{last:?}");
    let record = record_in(folder.path());
    let resume = format!("cargo matrix sweep --resume {}", record.display());
    assert!(last.iter().any(|line| line.contains(&resume)), "{last:?}");
    assert_eq!(launches_in(&record), 1);

    let output = resumed(folder.path(), &record);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert_eq!(launches_in(&record), 3);
    assert!(text(&output.stdout).contains("baseline, 3 launches"));
}

#[test]
fn a_changed_executable_is_not_resumed() {
    let folder = folder();
    let output = measured(folder.path(), "run", &["honest"], &["--launches", "1"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let record = record_in(folder.path());
    let contents = std::fs::read_to_string(&record).unwrap();
    let (before, after) = contents.split_once("\"sha256\":\"").unwrap();
    let other = if after.starts_with('0') { "1" } else { "0" };
    std::fs::write(
        &record,
        format!("{before}\"sha256\":\"{other}{}", &after[1..]),
    )
    .unwrap();
    let output = resumed(folder.path(), &record);
    let said = text(&output.stderr);
    assert_eq!(code(&output), 2, "{said}");
    assert!(
        said.contains("not the executable the record was begun with"),
        "{said}"
    );
}

#[test]
fn a_killed_matrix_leaves_no_server_behind() {
    let folder = folder();
    let path = fixture(folder.path(), "honest");
    let arguments = [
        "run",
        path.to_str().unwrap(),
        "--duration",
        "60",
        "--launches",
        "1",
    ];
    let mut running = matrix(folder.path(), &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let children = format!("/proc/{0}/task/{0}/children", running.id());
    let started = || {
        std::fs::read_to_string(&children)
            .unwrap()
            .trim()
            .to_owned()
    };
    // The record begins after each executable was tried once, so a child from then on is the server of a launch.
    let deadline = Instant::now() + Duration::from_secs(30);
    while !std::fs::read_dir(folder.path())
        .unwrap()
        .any(|entry| entry.unwrap().path().extension().is_some())
        || started().is_empty()
    {
        assert!(Instant::now() < deadline, "no server was started");
        std::thread::yield_now();
    }
    let server = started();
    running.kill().unwrap();
    running.wait().unwrap();
    // Dead, or dead and waiting for init to notice.
    let lives = || {
        std::fs::read_to_string(format!("/proc/{server}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z"))
    };
    while lives() {
        assert!(Instant::now() < deadline, "server {server} lives on");
        std::thread::yield_now();
    }
}

fn resumed(folder: &Path, record: &Path) -> Output {
    let arguments = ["sweep", "--resume", record.to_str().unwrap()];
    matrix(folder, &arguments).output().unwrap()
}

fn launches_in(record: &Path) -> usize {
    let contents = std::fs::read_to_string(record).unwrap();
    contents
        .lines()
        .filter(|line| line.starts_with("{\"launch\":"))
        .count()
}
