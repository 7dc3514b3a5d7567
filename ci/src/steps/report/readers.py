# Reads every export of made-up records with other people's readers; prints what was found. An assertion that fails ends it.
import csv, json, pathlib, re, sys
import fastjsonschema
from junitparser import Error, Failure, JUnitXml, Skipped
from prometheus_client.openmetrics.parser import text_string_to_metric_families

exports = pathlib.Path(sys.argv[1])
kinds = ["sweep", "compare", "idle", "soak", "count"]
evil = "./a b/<script>alert(1)</script>&\"'|,"
text = lambda name: (exports / name).read_text("utf-8")
found = []

# https://bencher.dev/bmf.json
number = {"type": "number"}
bmf = fastjsonschema.compile({
    "$schema": "http://json-schema.org/draft-07/schema", "type": "object",
    "patternProperties": {".+": {"type": "object", "patternProperties": {".+": {
        "type": "object", "required": ["value"],
        "properties": {"value": number, "lower_value": number, "upper_value": number}}}}}})
benchmarks = 0
for kind in kinds:
    content = bmf(json.loads(text(f"bencher.{kind}")))
    for name, measures in content.items():
        assert len(name) <= 1024 and measures, name
        for measure, metric in measures.items():
            assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", measure) and len(measure) <= 64, measure
            assert metric.get("lower_value", metric["value"]) <= metric["value"] <= metric.get("upper_value", metric["value"]), (name, measure, metric)
    benchmarks += len(content)
assert "pipelined/epoll+split+system" not in json.loads(text("bencher.sweep")), "an invalid cell"
counted = json.loads(text("bencher.count"))
assert "pipelined/uring+split+system" not in counted, "an invalid cell"
assert "instructions-per-request" in counted["baseline/epoll+split+system"], counted
assert "instructions-per-request" not in counted["baseline/uring+split+system"], "a missing source"
found.append(f"{benchmarks} of Bencher")

# What its README says of customBiggerIsBetter and customSmallerIsBetter.
string = {"type": "string", "minLength": 1}
github = fastjsonschema.compile({"type": "array", "minItems": 1, "items": {
    "type": "object", "required": ["name", "unit", "value"], "additionalProperties": False,
    "properties": {"name": string, "unit": string, "value": number, "range": string, "extra": string}}})
entries = 0
for kind in kinds:
    for way in ["smaller", "bigger"]:
        content = json.loads(text(f"github-{way}.{kind}"))
        if kind in ["idle", "soak", "count"] and way == "bigger":
            assert content == [], content
            continue
        github(content)
        names = [entry["name"] for entry in content]
        assert len(names) == len(set(names)), names
        assert all((entry["unit"] == "requests/s") == (way == "bigger") for entry in content), content
        entries += len(content)
found.append(f"{entries} of github-action-benchmark")

samples = 0
for kind in kinds:
    families = list(text_string_to_metric_families(text(f"openmetrics.{kind}")))
    assert all(family.documentation and family.samples for family in families), families
    names = {family.name: family for family in families}
    assert "orthant_cell_valid" in names, names
    if kind == "compare":
        decided = {(s.labels["workload"], s.labels["orthant_decision"]) for s in names["orthant_decision"].samples if s.value == 1}
        assert decided == {("baseline", "GO"), ("pipelined", "NO-GO")}, decided
        arms = {s.labels["arm"] for s in names["orthant_cell_valid"].samples}
        assert any(arm.startswith(evil) for arm in arms), arms
        changed = {s.labels["verdict"]: s.value for s in names["orthant_change_ratio"].samples if s.labels["metric"] == "allocations"}
        assert changed == {"NO-DIFFERENCE": 1}, changed
    if kind == "soak":
        assert sum(s.value for s in names["orthant_decision"].samples) == 1, names["orthant_decision"]
    if kind == "count":
        assert sorted(s.value for s in names["orthant_cell_valid"].samples) == [0, 1, 1, 1]
    if kind == "sweep":
        assert sorted(s.value for s in names["orthant_cell_valid"].samples) == [0] + [1] * 11
        counts = {s.value for s in names["orthant_response_seconds"].samples if s.name.endswith("_count")}
        assert counts == {128000}, counts
    samples += sum(len(family.samples) for family in families)
found.append(f"{samples} OpenMetrics samples")

cases = 0
for kind in kinds:
    suites = JUnitXml.fromstring(text(f"junit.{kind}").encode())
    ends = {}
    for suite in suites:
        written = (suite.tests, suite.failures, suite.errors, suite.skipped)
        suite.update_statistics()
        assert written == (suite.tests, suite.failures, suite.errors, suite.skipped), written
        for case in suite:
            ends[(case.classname, case.name)] = [type(result) for result in case.result]
    cases += len(ends)
    wrong = {name: end for name, end in ends.items() if end}
    if kind == "compare":
        assert wrong.pop(("orthant.pipelined", "private memory (guard)")) == [Failure], wrong
        assert wrong.pop(("orthant.pipelined", "decision")) == [Failure], wrong
        assert ends[("orthant.baseline", "decision")] == [], ends
        assert all(end == [Skipped] for end in wrong.values()), wrong
    if kind == "count":
        assert wrong == {("orthant.pipelined", "uring+split+system"): [Error]}, wrong
    if kind == "sweep":
        assert wrong.pop(("orthant.pipelined", "epoll+split+system")) == [Error], wrong
        assert set(name for _, name in wrong) == {"monoio+flat+system"}, wrong
found.append(f"{cases} JUnit cases")

rows = 0
for kind in kinds:
    with open(exports / f"csv.{kind}", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file, strict=True))
    for row in table:
        assert None not in row and None not in row.values(), row
        assert float(row["value"]) >= 0, row
        if row["low"] != "n/a":
            assert float(row["low"]) <= float(row["value"]) <= float(row["high"]), row
    if kind == "compare":
        assert any(row["arm"].startswith(evil) for row in table), table
    rows += len(table)
found.append(f"{rows} CSV rows")

# The fields and units of the arena's own files, site/data/results of https://github.com/MDA2AV/HttpArena.
count = {"type": "integer", "minimum": 0}
fit = lambda pattern: {"type": "string", "pattern": f"^{pattern}$"}
time, digits = fit(r"[0-9]+(\.[0-9]+)?(us|ms|s)"), r"[0-9]+(\.[0-9]+)?"
fields = {
    "framework": string, "language": {"type": "string"}, "rps": count, "avg_latency": time, "p99_latency": time,
    "cpu": fit(digits + "%"), "memory": fit(digits + "[KMG]iB"), "connections": count, "threads": count,
    "duration": fit("[0-9]+s"), "pipeline": count, "bandwidth": fit(digits + "[KMG]?B/s"), "reconnects": count,
    "status_2xx": count, "status_3xx": count, "status_4xx": count, "status_5xx": count}
arena = fastjsonschema.compile({"type": "object", "required": list(fields), "properties": fields, "additionalProperties": False})
files = sorted((exports / "arena").glob("*/*/*.json"))
for file in files:
    result = arena(json.loads(file.read_text()))
    assert int(file.parent.name) == result["connections"] and result["status_2xx"] == 128000, file
assert len(files) == 11, files
found.append(f"{len(files)} arena files")
print(", ".join(found))
