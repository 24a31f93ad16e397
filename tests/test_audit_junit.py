"""JUnit's XML parses and says what failed; GitHub's annotations can not be forged, and its summary is written."""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sqlports.audit.formats import Look, github, text
from sqlports.audit.outcome import Outcome, Report
from tests.audit_reports import WORST, audit, everything, finding, hostile, waiver


def _junit(report: Report) -> ElementTree.Element:
    said = text(report, Look("junit"))
    return ElementTree.fromstring(said.encode())


def _case(report: Report, name: str = "open-database") -> ElementTree.Element:
    (case,) = [case for case in _junit(report).iter("testcase") if case.get("name") == name]
    return case


def _kinds(case: ElementTree.Element) -> list[str]:
    return [child.tag for child in case]


def _github(report: Report) -> list[str]:
    return text(report, Look("github")).splitlines()


def test_a_pack_is_a_suite_and_an_audit_a_case() -> None:
    root = _junit(everything())
    assert [suite.get("name") for suite in root] == ["exposure", "privilege", "audits", "files"]
    case = _case(everything())
    assert case.get("classname") == "exposure"
    assert case.get("file") == "audits/exposure/open-database.sql" or "open-database.sql" in str(case.get("file"))
    assert case.get("line") == str(audit().line)
    assert case.get("time") == "0.125"


def test_each_count_is_the_number_of_cases_that_are_so() -> None:
    root = _junit(everything())
    for element in [root, *root]:
        cases = list(element.iter("testcase"))
        assert element.get("tests") == str(len(cases))
        for name, tag in (("failures", "failure"), ("errors", "error")):
            assert element.get(name) == str(len([case for case in cases if case.find(tag) is not None]))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("9", "1", "4")


def test_what_the_run_fails_for_fails_and_the_rest_is_told_beside_it() -> None:
    case = _case(everything())
    failure, rest = case.find("failure"), case.findtext("system-out")
    assert failure is not None
    assert failure.get("type") == "high"
    assert "postgres is open" in str(failure.text)
    assert "127.0.0.1" in str(failure.text)
    for word in ("known: critical: mysqld", "waived until 2030-01-31 by ops", "redis", "gone: high: etcd", "no root"):
        assert word in str(rest)
        assert word not in str(failure.text)


def test_a_finding_below_fail_on_is_told_and_fails_nothing() -> None:
    case = _case(everything(), "quiet-one")
    assert _kinds(case) == ["system-out"]
    assert "little is open" in str(case.findtext("system-out"))
    assert _kinds(_case(everything(fail_on="low"), "quiet-one")) == ["failure"]


def test_a_case_that_gave_no_answer_is_an_error_or_skipped() -> None:
    report = everything()
    assert _kinds(_case(report, "broken")) == _kinds(_case(report, "slow")) == ["error"]
    assert _kinds(_case(report, "foreign")) == ["skipped"]
    assert _kinds(_case(report, "fine")) == []


def test_a_blind_case_is_never_passed_and_with_strict_an_error() -> None:
    waived = finding(audit(), waiver=waiver())
    for outcome in (
        Outcome(audit(), "degraded", unseen=("no root",)),
        Outcome(audit(), "found", (waived,), unseen=("no root",)),
    ):
        assert _kinds(_case(Report((outcome,))))[0] == "skipped"
        assert _kinds(_case(Report((outcome,), strict=True)))[0] == "error"


def test_hostile_rows_are_all_there_and_none_breaks_the_document() -> None:
    said = text(hostile(), Look("junit"))
    assert not re.search("[^\\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", said)
    failure = _case(hostile()).find("failure")
    assert failure is not None
    assert len([line for line in str(failure.text).splitlines() if line.startswith("high: ")]) == len(WORST)
    assert len(str(failure.get("message"))) <= 500


_COMMAND = re.compile(r"::(error|warning|notice) (?:file=([^,:]*),)?(?:line=(\d+),)?title=([^,:]*)::(.*)")


def _undone(said: str) -> str:
    for sign, letter in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        said = said.replace(sign, letter)
    return said


def test_each_annotation_is_one_command_that_reads_back_as_it_was() -> None:
    report = hostile()
    found = [_COMMAND.fullmatch(line) for line in _github(report) if line.startswith("::")]
    assert all(found)
    assert len(found) == len(WORST)
    assert {match[1] for match in found if match} == {"error"}
    assert {_undone(match[4]) for match in found if match} == {"high: Database open to: the world, 100%"}
    said = {_undone(match[5]).split("\n")[0] for match in found if match}
    plain = {one.message for one in report.findings if len(one.message) < 4096 and "##" not in one.message}
    assert len(plain) == len(WORST) - 1
    assert plain <= said


def test_nothing_that_a_process_is_named_begins_a_command_of_its_own() -> None:
    for line in _github(everything()):
        assert not re.search(r"##(\[|vso\[)", line)
        assert not line.lstrip().startswith("::") or _COMMAND.fullmatch(line), line
    of = audit("::add-mask"[2:])
    skipped = Report((Outcome(of._replace(id="::add-mask::x"), "skipped", why="##[error]\n::error::x"),))
    assert not [line for line in _github(skipped) if line.startswith("::") or "##[" in line]


def test_the_gravest_come_first_and_what_is_accepted_last() -> None:
    of = audit()
    rows = [("a", "low"), ("b", "critical"), ("c", "medium"), ("d", "high")]
    found = [finding(of, name, severity) for name, severity in rows]
    report = Report((Outcome(of, "found", (finding(of, "w", "critical", waiver=waiver()), *found)),))
    said = [line for line in _github(report) if line.startswith("::")]
    assert [line.split(" ")[0] for line in said] == ["::error", "::error", "::warning", "::notice", "::notice"]
    assert "title=critical" in said[0]
    assert "waived until" in said[-1]


def test_a_blind_or_broken_look_and_a_bad_file_are_told_first_and_the_sum_at_the_end() -> None:
    lines = _github(everything())
    assert lines[0].startswith("::error file=bad\\n.sql,line=3,title=Bad file::")
    assert [line for line in lines if line.startswith("::warning title=2 audits did not see all::")]
    assert [line for line in _github(everything(strict=True)) if line.startswith("::error title=2 audits did not see all::")]
    assert lines[-1].startswith("Exit status 2: ")
    assert [line for line in lines if line.startswith("GitHub shows 10 ")]
    assert not [line for line in _github(Report(())) if line.startswith("GitHub shows")]


def test_the_summary_is_added_to_the_file_that_github_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    github.summary(everything())
    said = file.read_text()
    assert said.startswith("before\n")
    assert "open" in said.removeprefix("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "made.md"))
    github.summary(everything())
    assert (tmp_path / "made.md").stat().st_size == len(said.encode()) - len("before\n")


def test_a_summary_that_can_not_be_written_is_told_and_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "fifo")
    full = tmp_path / "full"
    with full.open("wb") as file:
        file.truncate(github.ROOM)
    for path in (tmp_path, tmp_path / "fifo", tmp_path / "none" / "a", full, "/dev/null"):
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
        github.summary(hostile())
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith("sqlports: the summary is not written to "), path
    assert full.stat().st_size == github.ROOM
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    github.summary(hostile())
    assert capsys.readouterr().err == ""
