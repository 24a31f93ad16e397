"""SARIF validates against the published schema, and says what code-scanning services read."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest

import sqlports
from sqlports.audit.formats import Look, places, sarif, text
from sqlports.audit.outcome import Outcome, Report
from tests.audit_reports import WORST, audit, everything, finding, hostile, waiver

LOOK = Look("sarif")


@cache
def _schema() -> jsonschema.Draft4Validator:
    schema = json.loads((Path(__file__).parent / "sarif" / "sarif-schema-2.1.0.json").read_text())
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


def _run(report: Report) -> dict[str, Any]:
    said = text(report, LOOK)
    said.encode()
    log = json.loads(said, parse_constant=pytest.fail)
    _schema().validate(log)
    return log["runs"][0]


def test_the_schema_refuses_what_is_no_sarif() -> None:
    with pytest.raises(jsonschema.ValidationError):
        _schema().validate({"version": "2.1.0", "runs": [{"results": []}]})


def test_a_report_of_everything_validates_and_so_does_an_empty_one() -> None:
    _run(everything())
    _run(hostile())
    assert _run(Report(()))["results"] == []


def test_no_control_character_and_no_half_of_a_pair_is_left_in_it() -> None:
    said = text(everything(), LOOK)
    assert not [character for character in said if character != "\n" and sarif.safe(character) != character]
    assert "\\ud800" not in said.replace("\\\\ud800", "")


def test_each_audit_is_a_rule_and_each_result_points_at_its_own() -> None:
    report = everything()
    run = _run(report)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [outcome.audit.id for outcome in report.outcomes]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert all(rule.get("name", "").lower() != rule["id"].lower() for rule in rules)
    assert rules[0]["helpUri"] == "https://example.org/why?a=b#c"
    for kind in ("text", "markdown"):
        assert "127.0.0.1" in rules[0]["help"][kind]
        assert "A public service." in rules[0]["help"][kind]


@pytest.mark.parametrize(
    ("severity", "level", "least", "below"),
    [("critical", "error", 9.0, 10.1), ("high", "error", 7.0, 9.0), ("medium", "warning", 4.0, 7.0), ("low", "note", 0.1, 4.0)],
)
def test_a_severity_is_the_one_that_github_shows(severity: str, level: str, least: float, below: float) -> None:
    of = audit(severity=severity)
    run = _run(Report((Outcome(of, "found", (finding(of),)),)))
    rule = run["tool"]["driver"]["rules"][0]
    assert rule["defaultConfiguration"]["level"] == run["results"][0]["level"] == level
    assert isinstance(rule["properties"]["security-severity"], str)
    assert least <= float(rule["properties"]["security-severity"]) < below
    assert "security" in rule["properties"]["tags"]


def test_an_info_has_no_security_severity_and_a_row_may_have_its_own_level() -> None:
    of = audit(severity="info")
    run = _run(Report((Outcome(of, "found", (finding(of, severity="critical"),)),)))
    assert "security-severity" not in run["tool"]["driver"]["rules"][0]["properties"]
    assert run["results"][0]["level"] == "error"


def test_a_rule_has_at_most_as_many_tags_as_github_takes() -> None:
    of = audit()._replace(tags=tuple(f"tag{number}" for number in range(50)))
    assert len(sarif.rule(of)["properties"]["tags"]) == 20


def test_states_against_a_baseline_stand_in_every_result_or_in_none() -> None:
    assert {result["baselineState"] for result in _run(everything())["results"]} == {"new", "unchanged", "absent"}
    assert not [result for result in _run(hostile())["results"] if "baselineState" in result]


def test_what_is_gone_is_absent_and_no_failure() -> None:
    (gone,) = [result for result in _run(everything())["results"] if result["baselineState"] == "absent"]
    assert gone["kind"] == "pass"
    assert gone["message"]["text"] == "etcd is open"


def test_a_waived_finding_is_suppressed_with_its_reason_and_the_others_say_that_they_are_not() -> None:
    run = _run(everything())
    suppressed = [result for result in run["results"] if result["suppressions"]]
    assert [result["suppressions"][0]["justification"] for result in suppressed] == ["known, told to ops"]
    assert suppressed[0]["suppressions"][0]["kind"] == "external"
    assert not [result for result in _run(hostile())["results"] if "suppressions" in result]
    assert waiver().path in json.dumps(suppressed)


def test_two_findings_of_one_audit_are_two_for_github() -> None:
    results = _run(hostile())["results"]
    for name in ("sqlportsKey/v1", "primaryLocationLineHash"):
        assert len({result["partialFingerprints"][name] for result in results}) == len(WORST)


def test_nothing_that_a_process_is_named_is_a_link() -> None:
    said = [result["message"]["text"] for result in _run(hostile())["results"]]
    assert any("evil.example" in message for message in said)
    assert not [message for message in said if "](" in message.replace("\\](", "")]


def test_values_of_a_row_are_kept_as_any_parser_takes_them() -> None:
    of = audit()
    row = _run(Report((Outcome(of, "found", (finding(of, "a"),)),)))["results"][0]["properties"]["row"]
    assert row == {"process": "a", "pid": 1, "raw": "x'61'", "none": None, "real": 1.5, "endless": "inf", "big": 2**63 - 1}


def test_the_run_tells_what_it_did_not_see_and_which_files_are_bad() -> None:
    invocation = _run(everything())["invocations"][0]
    told = [(notice["descriptor"]["id"], notice["level"]) for notice in invocation["toolExecutionNotifications"]]
    assert set(told) == {
        *(("bad-file", "error"), ("audit-failed", "error"), ("audit-timed-out", "error"), ("audit-degraded", "warning")),
        *(("audit-skipped", "note"), ("waiver-expired", "warning"), ("waiver-unused", "note")),
    }
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 2
    assert invocation["startTimeUtc"] == "2023-11-14T22:13:20.250Z"
    assert invocation["endTimeUtc"] == "2023-11-14T22:13:22.750Z"


def test_findings_alone_are_a_successful_execution_and_strict_blindness_is_none() -> None:
    assert _run(hostile())["invocations"][0]["executionSuccessful"] is True
    blind = Report((Outcome(audit(), "degraded", unseen=("no root",)),), strict=True)
    assert _run(blind)["invocations"][0]["executionSuccessful"] is False


def test_more_results_than_github_takes_are_cut_from_the_least_grave_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "RESULTS", 2)
    of = audit()
    found = [finding(of, name, severity) for name, severity in (("a", "low"), ("b", "high"), ("c", "critical"))]
    run = _run(Report((Outcome(of, "found", tuple(found)),)))
    assert [result["properties"]["severity"] for result in run["results"]] == ["critical", "high"]
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["descriptor"]["id"] == "report-cut"
    assert notice["message"]["text"].startswith("1 results are left out")


def test_a_file_larger_than_github_takes_is_cut_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "PACKED", 4000)
    of = audit()
    found = [finding(of, os.urandom(200).hex()) for _ in range(40)]
    report = Report((Outcome(of, "found", tuple(found)),))
    run = _run(report)
    assert 0 < len(run["results"]) < 40
    assert "left out" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def _uri(path: Path | str) -> dict[str, str]:
    of = audit(path=str(path))
    run = _run(Report((Outcome(of, "found", (finding(of),)),)))
    found: dict[str, str] = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    base = run["originalUriBaseIds"][found["uriBaseId"]]["uri"]
    assert base.endswith("/")
    assert unquote_to_bytes(base.removeprefix("file://") + found["uri"]) == os.fsencode(os.path.realpath(path))
    return found


def test_a_file_below_the_work_tree_is_told_from_its_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert _uri("a.sql") == {"uri": "inner/a.sql", "uriBaseId": "%SRCROOT%"}
    assert _uri(tmp_path / "b.sql") == {"uri": "b.sql", "uriBaseId": "%SRCROOT%"}


def test_a_file_elsewhere_and_one_with_an_odd_name_are_relative_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _uri("/etc/audits/a.sql")["uriBaseId"] == "%FILESYSTEM%"
    for name in ("a b%41?#é.sql", "x:y.sql", os.fsdecode(b"\xff\n.sql"), "[a].sql"):
        uri = _uri(name)["uri"]
        assert uri.isascii()
        assert not set(uri) & set(" ?#:[]\n")


def test_a_shipped_audit_has_the_same_address_wherever_it_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = Path(sqlports.__file__).parent / "audit" / "packs" / "exposure" / "a.sql"
    here = _uri(shipped)
    monkeypatch.chdir(tmp_path)
    assert here == _uri(shipped) == {"uri": "sqlports/audit/packs/exposure/a.sql", "uriBaseId": places.PROGRAM}


def test_a_finding_names_its_line_and_its_endpoint() -> None:
    of = audit()
    (location,) = _run(Report((Outcome(of, "found", (finding(of),)),)))["results"][0]["locations"]
    assert location["physicalLocation"]["region"]["startLine"] == of.line
    assert of.sql.splitlines()[of.line - 1].startswith("SELECT")
    assert location["logicalLocations"] == [{"fullyQualifiedName": "tcp/[::]:5432 postgres", "kind": "resource"}]
