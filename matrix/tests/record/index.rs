//! The index: what it answers, that it follows the files, and that nothing can be written to it.

use std::fs;
use std::path::{Path, PathBuf};

use orthant_matrix::axes::Coverage;
use orthant_matrix::index::{Index, SCHEMA, Value};
use orthant_matrix::record::{Line, Record};
use orthant_matrix::store::Store;
use orthant_matrix::table::Format;

use super::comparison::compared;
use super::{count, idle, soak, sweep, written};

fn stored(folder: &Path, campaign: &str, record: &Record) -> PathBuf {
    let mut store = Store::create(folder, campaign).unwrap();
    let mut plan = record.plan().clone();
    plan.campaign = campaign.to_owned();
    store.append(&Line::Plan(plan)).unwrap();
    for launch in record.launches.values() {
        let mut launch = launch.clone();
        launch.campaign = campaign.to_owned();
        store.append(&Line::Launch(Box::new(launch))).unwrap();
    }
    for idle in record.idle.values() {
        let mut idle = idle.clone();
        idle.campaign = campaign.to_owned();
        store.append(&Line::Idle(idle)).unwrap();
    }
    for count in record.counts.values() {
        let mut count = count.clone();
        count.campaign = campaign.to_owned();
        store.append(&Line::Count(Box::new(count))).unwrap();
    }
    for soaked in record.soaks.values() {
        store.append(&Line::Soak(soaked.asked)).unwrap();
        for segment in &soaked.segments {
            let begin = Line::SegmentBegin(segment.begin.clone());
            store.append(&begin).unwrap();
            for epoch in &segment.epochs {
                let epoch = Line::Epoch(Box::new(epoch.clone()));
                store.append(&epoch).unwrap();
            }
        }
    }
    store.path().to_owned()
}

fn asked(index: &Index, sql: &str) -> Vec<Vec<String>> {
    let csv = index.ask(sql).unwrap().print(Format::Csv).unwrap();
    let rows = csv.lines().skip(1);
    rows.map(|row| row.split(',').map(str::to_owned).collect())
        .collect()
}

fn one(index: &Index, sql: &str) -> String {
    asked(index, sql)[0][0].clone()
}

#[test]
fn every_table_has_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let idle = idle::record([Some(0), None].map(|arm| idle::start(arm, 0, 4_000, 7_000)));
    let soaked = soak::record(&[1, 2].map(|seed| soak::bytes(5, seed, |_| 0.0)));
    let files = [
        stored(folder.path(), "swept", &sweep::swept(Coverage::Full)),
        stored(folder.path(), "compared", &compared(8)),
        stored(folder.path(), "waited", &idle),
        stored(folder.path(), "soaked", &soaked),
        stored(folder.path(), "counted", &count::record(&[])),
    ];
    let index = Index::of_files(&files).unwrap();
    for (table, rows) in [
        ("files", 5),
        ("campaigns", 5),
        ("arms", 5 + 3 + 3 + 1 + 2),
        ("axes", 4 * 2 + 3 + 2 * 3 + 3 + 2 * 3),
        ("launches", 8 + 8),
        ("observations", 8 * 5 + 8 * 3),
        ("slices", 10 * (8 * 5 + 8 * 3)),
        ("cells", 5 + 3),
        ("decisions", 1),
        ("verdicts", 4),
        ("effects", 4),
        ("idle", 6),
        ("epochs", 10),
        ("counts", 2),
        ("calls", 2 * 3),
    ] {
        assert_eq!(
            one(&index, &format!("select count(*) from {table}")),
            rows.to_string(),
            "{table}"
        );
    }
    let verdict = "select verdict, decides from verdicts where metric = 'CPU/request'";
    assert_eq!(asked(&index, verdict), [["WORSE", "1"]]);
    assert_eq!(one(&index, "select decision from decisions"), "NO-GO");
    assert_eq!(
        one(&index, "select name from cells where standing = 'unbeaten'"),
        "epoll+split"
    );
    // Every table is documented with a comment, and every table of the index is in the schema.
    let tables = one(
        &index,
        "select count(*) from sqlite_schema where type = 'table'",
    );
    assert_eq!(tables, SCHEMA.matches("\n\n-- ").count().to_string());
}

#[test]
fn the_index_follows_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let (records, kept_in) = (
        folder.path().join("results"),
        folder.path().join("deep/index.sqlite"),
    );
    let index = || Index::of_folder(&records, &kept_in).unwrap();
    let launches = |index: &Index| one(index, "select count(*) from launches");
    assert_eq!(launches(&index()), "0");
    let path = written(&records);
    assert_eq!(launches(&index()), "8");
    // A mark of ours shows whether a row was written again.
    let mark = || {
        rusqlite::Connection::open(&kept_in)
            .unwrap()
            .execute("update campaigns set command = 'mark'", [])
            .unwrap()
    };
    let is_marked = |index: &Index| one(index, "select command from campaigns") == "mark";
    mark();
    assert!(is_marked(&index()));
    // Another time of change, the same contents.
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, &bytes).unwrap();
    assert!(is_marked(&index()));
    // A launch less, with a torn line.
    fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    let shorter = index();
    assert_eq!(
        (launches(&shorter), is_marked(&shorter)),
        ("7".to_owned(), false)
    );
    assert_ne!(one(&shorter, "select torn_bytes from files"), "0");
    // A file that is no record is no reason to know nothing of the others.
    fs::write(records.join("other.jsonl"), "nonsense\n").unwrap();
    assert_eq!(launches(&index()), "7");
    // A shard of the same campaign is merged with what was there.
    let shard = records.join("shard.jsonl");
    fs::write(&shard, &bytes).unwrap();
    assert_eq!(launches(&index()), "8");
    fs::remove_file(&shard).unwrap();
    assert_eq!(launches(&index()), "7");
    fs::remove_file(&path).unwrap();
    assert_eq!(launches(&index()), "0");
    // What is no index is made anew.
    fs::write(&path, &bytes).unwrap();
    fs::write(
        &kept_in,
        "this is no database, though it is long enough to be looked at as one".repeat(40),
    )
    .unwrap();
    assert_eq!(launches(&index()), "8");
}

#[test]
fn rows_of_a_soak_that_goes_on_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (records, kept_in) = (
        folder.path().join("results"),
        folder.path().join("index.sqlite"),
    );
    let path = stored(
        &records,
        "soaked",
        &soak::record(&[soak::bytes(5, 1, |_| 0.0)]),
    );
    let epochs = || {
        let index = Index::of_folder(&records, &kept_in).unwrap();
        one(&index, "select count(*) from epochs")
    };
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    assert_eq!(epochs(), "4");
    fs::write(&path, &whole).unwrap();
    assert_eq!(epochs(), "5");
    // An index whose tables are others is made anew.
    let other = rusqlite::Connection::open(&kept_in).unwrap();
    other
        .execute_batch("pragma user_version = 1; drop table epochs")
        .unwrap();
    drop(other);
    assert_eq!(epochs(), "5");
}

#[test]
fn an_odd_record_is_left_out_and_all_others_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let (records, kept_in) = (
        folder.path().join("results"),
        folder.path().join("index.sqlite"),
    );
    let index = || Index::of_folder(&records, &kept_in).unwrap();
    let campaigns =
        "select group_concat(campaign, ' ') from (select campaign from campaigns order by 1)";
    written(&records);
    // A soak that was killed before it said what it is for.
    let mut begun = soak::record(&[]);
    begun.soaks.clear();
    let odd = stored(&records, "begun", &begun);
    assert_eq!(one(&index(), campaigns), "one");
    assert_eq!(one(&index(), "select count(*) from files"), "1");
    let error = Index::of_files(&[odd]).unwrap_err();
    assert!(
        format!("{error:#}").contains("begin a new one"),
        "{error:#}"
    );
    // A copy of a soak from when it went on, whichever is read first.
    let soaked = soak::record(&[soak::bytes(5, 1, |_| 0.0)]);
    let path = stored(&records, "soaked", &soaked);
    let whole = fs::read(&path).unwrap();
    for copy in ["0.jsonl", "z.jsonl"] {
        fs::write(records.join(copy), &whole[..whole.len() - 9]).unwrap();
        let index = index();
        assert_eq!(one(&index, campaigns), "one soaked");
        assert_eq!(one(&index, "select count(*) from epochs"), "5");
        assert_eq!(one(&index, "select count(*) from files"), "2");
    }
}

#[test]
fn an_index_of_another_version_is_made_anew_in_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let (records, kept_in) = (
        folder.path().join("results"),
        folder.path().join("index.sqlite"),
    );
    written(&records);
    let other = rusqlite::Connection::open(&kept_in).unwrap();
    let older = "create table files (x); create table gone (y); pragma user_version = 2";
    other.execute_batch(older).unwrap();
    let index = Index::of_folder(&records, &kept_in).unwrap();
    assert_eq!(one(&index, "select count(*) from launches"), "8");
    // Another process, which has it open, sees the new tables and none of the old ones.
    let count = |sql: &str| {
        other
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(count("select count(*) from launches"), 8);
    assert_eq!(
        count("select count(*) from sqlite_schema where name = 'gone'"),
        0
    );
}

#[test]
fn an_index_that_cannot_be_opened_is_not_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let kept_in = folder.path().join("index.sqlite");
    // A folder is what SQLite cannot open and nobody may delete, whoever runs this.
    fs::create_dir(&kept_in).unwrap();
    let error = Index::of_folder(&folder.path().join("results"), &kept_in).unwrap_err();
    assert!(format!("{error:#}").contains("unable to open"), "{error:#}");
}

#[test]
fn questions_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder.path().join("results"));
    let kept = Index::of_folder(
        &folder.path().join("results"),
        &folder.path().join("index.sqlite"),
    )
    .unwrap();
    let in_memory = Index::of_files(&[path]).unwrap();
    for index in [kept, in_memory] {
        for sql in [
            "delete from launches",
            "drop table launches",
            "create table x (y)",
            "insert into files select * from files",
            "pragma query_only = off",
            "attach 'x.sqlite' as x",
            "vacuum into 'x.sqlite'",
            "begin immediate",
        ] {
            let error = index.ask(sql).unwrap_err().to_string();
            assert!(error.contains("only read"), "{sql}: {error}");
            assert!(!Path::new("x.sqlite").exists(), "{sql}");
        }
        assert!(!asked(&index, "pragma table_info(launches)").is_empty());
        assert_eq!(one(&index, "select count(*) from launches"), "8");
    }
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::of_files(&[written(folder.path())]).unwrap();
    let error = |sql: &str| index.ask(sql).unwrap_err().to_string();
    let shown = error("select block,\n  nme from launches");
    assert!(
        shown.contains("no such column: nme, line 2, column 3;")
            && shown.ends_with("\n    nme from launches\n    ^"),
        "{shown}"
    );
    assert!(shown.contains("cargo matrix sql --schema"), "{shown}");
    assert!(error("select 1; select 2").contains("one statement at a time"));
    assert!(error("").contains("failed to ask"));
    let missing = Index::of_files(&[folder.path().join("none.jsonl")]).unwrap_err();
    assert!(format!("{missing:#}").contains("none.jsonl"), "{missing:#}");
}

#[test]
fn answers_keep_their_columns_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::of_files(&[written(folder.path())]).unwrap();
    let answer = index
        .ask("select 2.0/3 as z, null as a, 'x|y' as b, 7 as b, x'ff' as c")
        .unwrap();
    assert_eq!(
        answer.rows[0][1..4],
        [
            Value::Null,
            Value::Text("x|y".to_owned()),
            Value::Integer(7)
        ]
    );
    let print = |format| answer.print(format).unwrap();
    assert_eq!(
        print(Format::Text),
        "z           a    b  b   c\n0.666667  n/a  x|y  7  ff\n"
    );
    assert_eq!(
        print(Format::Csv),
        "z,a,b,b,c\r\n0.6666666666666666,n/a,x|y,7,ff\r\n"
    );
    assert!(print(Format::Md).ends_with("| 0.666667 | n/a | x\\|y | 7 | ff |\n"));
    let json = print(Format::Json);
    assert!(
        json.find("\"z\"") < json.find("\"a\"") && json.contains("\"a\": null"),
        "{json}"
    );
}
