"""Each format of a report, read back: with every verdict, with hostile texts, of nothing, of a million characters."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sqlports.audit import SEVERITIES, formats
from sqlports.audit.formats import Look
from sqlports.audit.outcome import Finding, Outcome, Report
from sqlports.cells import safe, width

from .conftest import UNSAFE, command
from .reports import HOSTILE, ROW, audit, everything, finding, waiver
from .written import in_terminal

OURS = ("table", "json", "jsonl", "csv", "markdown", "html")
CLEAN = Report((Outcome(audit("clean-one"), "clean"), Outcome(audit("clean-two"), "clean")))


def written(report: Report, name: str, columns: int | None = None, coloured: bool = False, verbose: bool = False) -> str:
    text = formats.text(report, Look(name, columns, coloured, verbose))
    assert text.endswith("\n")
    # What is written to a file is UTF-8 whatever a name has in it.
    text.encode("utf-8")
    return text


def found(count: int, message: str = "message {}", **others: Any) -> Report:
    of = audit("many")
    return Report((Outcome(of, "found", findings=tuple(finding(of, message.format(n), **others) for n in range(count))),))


def row(value: Any) -> Report:
    of = audit("one")
    return Report((Outcome(of, "found", findings=(finding(of, "said", {"process": value}),)),))


@pytest.mark.parametrize("name", OURS)
def test_every_format_ends_well_with_everything_at_once(name: str) -> None:
    for text in ("plain", HOSTILE):
        for verbose in (False, True):
            assert written(everything(text), name, verbose=verbose) == written(everything(text), name, verbose=verbose)


@pytest.mark.parametrize("name", OURS)
def test_no_format_lets_a_control_character_through(name: str) -> None:
    text = written(everything(HOSTILE), name, verbose=True)
    assert not UNSAFE.search(text)
    assert "\u2028" not in text


@pytest.mark.parametrize("name", OURS)
def test_a_report_of_nothing_says_so(name: str) -> None:
    text = written(Report(()), name)
    expected = {
        "json": '"audits": []',
        "jsonl": '"audits": 0',
        "csv": "type,audit,verdict,",
    }
    assert expected.get(name, "No audit was run.") in text


@pytest.mark.parametrize("name", OURS)
def test_suppressed_findings_stay_visible_as_such(name: str) -> None:
    text = written(everything(), name, verbose=True)
    assert re.search("fourth plain.*(waived|suppressed|It is meant)|true.*fourth plain", text, re.DOTALL)
    assert "third plain" in text


@pytest.mark.parametrize("name", OURS)
def test_what_was_not_seen_is_told_by_every_format(name: str) -> None:
    text = written(everything(), name)
    for told in ("not root plain", "handles could not be read", "no such table: plain", "it took longer than 5 s", "truncated"):
        assert told in text.replace("&#39;", "'")


@pytest.mark.parametrize("name", OURS)
def test_a_million_characters_are_no_burden_and_json_and_html_have_them_all(name: str) -> None:
    text = written(row("x" * 1_000_000), name, columns=80 if name == "table" else None)
    assert ("x" * 1_000_000 in text) == (name not in ("table", "markdown"))


# table


def test_the_table_begins_with_the_gravest_finding() -> None:
    first, *_ = written(everything(), "table", 80).splitlines()
    assert first == "CRITICAL  Title of found-one  (found-one)"


def test_a_finding_of_another_severity_than_its_audits_gravest_says_so() -> None:
    text = written(everything(), "table")
    assert "  - second plain (new)\n  - [high] first plain (because 'plain') (new)\n" in text


def test_the_table_says_what_to_do_and_only_with_verbose_why() -> None:
    short, long = written(everything(), "table"), written(everything(), "table", verbose=True)
    assert "  Fix  Stop it, or let a firewall pass only those machines that need it, which are few.\n" in short
    assert "Why" not in short
    assert "  Why  What found-one finds, and why that matters" in long


def test_what_to_do_is_shown_whole_however_narrow_the_terminal() -> None:
    words = re.sub(r"\s+", " ", written(everything(), "table", 24))
    assert "Fix Stop it, or let a firewall pass only those machines that need it, which are few." in words


def test_of_many_findings_some_are_shown_and_the_number_of_the_others() -> None:
    short, long = written(found(25), "table"), written(found(25), "table", verbose=True)
    assert short.count("  - message") == 10
    assert "… and 15 more; --verbose shows all" in short
    assert long.count("  - message") == 25


def test_a_reason_that_many_audits_have_is_said_once() -> None:
    text = written(everything(), "table")
    assert text.count("not root plain") == 1
    assert "  - not root plain\n    3 audits: blind-found, blind-one, blind-two\n" in text
    assert "  - it is for darwin\n    2 audits: skipped-one, skipped-two\n" in text


def test_every_audit_has_a_line_with_its_verdict() -> None:
    lines = written(everything(), "table").partition("\nVerdicts\n")[2].partition("\n\n")[0].splitlines()
    assert [re.split(r"\s{2,}", line.strip())[:4] for line in lines] == [
        ["found", "critical", "2", "found-one"],
        ["found", "medium", "1", "blind-found"],
        ["failed", "high", "-", "failed-one"],
        ["timed out", "high", "-", "slow-one"],
        ["degraded", "high", "0", "blind-one"],
        ["degraded", "high", "0", "blind-two"],
        ["accepted", "critical", "0", "waived-one"],
        ["skipped", "high", "-", "skipped-one"],
        ["skipped", "high", "-", "skipped-two"],
        ["clean", "low", "0", "clean-one"],
    ]


def test_the_last_lines_sum_up_and_tell_what_the_exit_status_is_for() -> None:
    assert written(everything(), "table").splitlines()[-3:] == [
        "10 audits: 2 found something (1 critical, 1 medium), 1 failed, 1 timed out, 2 degraded, 1 accepted, 2 skipped, "
        "1 clean; 1 finding waived, 1 finding known from the baseline, 1 finding gone since the baseline.",
        "Not all was seen: 3 audits could not look everywhere, 2 audits came to no end, 2 faults in files. "
        "Where nothing was found, there may be something.",
        "Exit status 2: 2 faults in files; 3 findings at medium or above.",
    ]


def test_a_clean_run_is_told_in_two_lines_below_the_verdicts() -> None:
    assert written(CLEAN, "table").splitlines()[-2:] == [
        "2 audits: 2 clean.",
        "Exit status 0: no finding at medium or above.",
    ]


@pytest.mark.parametrize("verdict", ["failed", "timed out", "degraded"])
def test_a_run_that_did_not_see_all_is_never_told_as_clean_alone(verdict: str) -> None:
    unseen = ("not root",) if verdict == "degraded" else ()
    report = Report((*CLEAN.outcomes, Outcome(audit("other"), verdict, unseen=unseen, why="" if unseen else "why")))
    for name in ("table", "markdown", "html"):
        assert "Not all was seen: 1 audit" in written(report, name)
        assert "Not all was seen: " not in written(CLEAN, name)


def test_an_audit_that_saw_waived_findings_only_and_not_all_is_told_as_degraded() -> None:
    of = audit("half")
    outcome = Outcome(of, "found", findings=(finding(of, "said", waiver=waiver()),), unseen=("not root",))
    assert re.search("degraded +high +0  half +1 waived", written(Report((outcome,)), "table"))


def test_findings_below_the_severity_that_counts_do_not_make_the_status() -> None:
    of = audit("small", "low")
    report = Report((Outcome(of, "found", findings=(finding(of, "said"),)),))
    assert written(report, "table").splitlines()[-2:] == [
        "1 audit: 1 found something (1 low).",
        "Exit status 0: no finding at medium or above.",
    ]


def test_strict_is_named_where_it_makes_the_status() -> None:
    report = Report((Outcome(audit("blind"), "degraded", unseen=("not root",)),), strict=True)
    assert "Exit status 3: 1 audit did not see all, and --strict takes that for a failure; no finding at medium or above." in (
        written(report, "table")
    )


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
@pytest.mark.parametrize("text", ["plain", HOSTILE, "日本語" * 60, "x" * 500])
def test_no_line_is_wider_than_the_terminal(columns: int, text: str) -> None:
    for verbose in (False, True):
        lines = written(everything(text), "table", columns, verbose=verbose).splitlines()
        assert [line for line in lines if width(line) > columns] == []


def test_colours_change_nothing_but_the_colours_and_are_ended_in_their_line() -> None:
    plain = written(everything(HOSTILE), "table", 60)
    coloured = written(everything(HOSTILE), "table", 60, coloured=True)
    stripped = re.sub(r"\x1b\[[0-9;]+m", "", coloured)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()
    for line in coloured.splitlines():
        assert line.count("\x1b[") == 2 * line.count("\x1b[0m")


def test_what_goes_to_no_terminal_is_neither_coloured_nor_folded_nor_cut() -> None:
    text = written(found(1, "word " * 200), "table", None, coloured=True)
    assert "\x1b" not in text
    assert "  - " + "word " * 199 + "word\n" in text


# json, jsonl


def strictly(text: str) -> Any:
    """JSON as a strict parser has it: names once, and no half of a pair."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in pairs}) == len(pairs)
        return dict(pairs)

    value = json.loads(text, object_pairs_hook=once, parse_constant=pytest.fail)
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def test_json_has_the_whole_report() -> None:
    told = strictly(written(everything(), "json"))
    assert (told["version"], told["status"], told["host"], told["fail_on"]) == (1, 2, "plain", "medium")
    assert told["started"] == "2023-11-14T22:13:20Z"
    assert [one["verdict"] for one in told["audits"]] == [one.verdict for one in everything().outcomes]
    first, second, third = told["audits"][1]["findings"]
    assert (first["reason"], second["severity"], third["state"], third["suppressed"]) == (
        "because 'plain'",
        "critical",
        "unchanged",
        True,
    )
    assert told["audits"][2]["findings"][0]["waiver"] == {
        "audit": "*",
        "match": {"process": "*"},
        "reason": "plain",
        "expires": "2030-01-31",
        "owner": "plain",
        "path": "/etc/waivers.toml",
        "line": 7,
    }
    assert told["summary"]["findings"] == {"active": 3, "failing": 3, "waived": 1, "unchanged": 1, "gone": 1}
    assert told["faults"][0] == {"path": "/etc/plain.sql", "line": 3, "message": "no such key: plain"}
    assert (told["waivers"]["expired"][0]["findings"], len(told["waivers"]["unused"])) == (2, 1)


def test_json_keeps_the_values_of_a_row() -> None:
    told = strictly(written(everything(HOSTILE), "json"))["audits"][1]["findings"][0]["row"]
    halves = HOSTILE.encode("utf-8", "backslashreplace").decode()
    expected = {**ROW, "process": halves, halves: 1, "blob": "x'00ff3c'"}
    del expected[HOSTILE]
    assert told == expected


def test_jsonl_has_an_object_a_line_and_nothing_is_silent() -> None:
    lines = [strictly(line) for line in written(everything(HOSTILE), "jsonl").splitlines()]
    kinds = [line["type"] for line in lines]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "finding": 5,
        "gone": 1,
        "audit": 7,
        "fault": 2,
        "waiver": 2,
        "summary": 1,
    }
    told = {line["audit"]: line["verdict"] for line in lines if line["type"] == "audit"}
    assert "clean-one" not in told
    assert (told["failed-one"], told["slow-one"], told["blind-one"]) == ("failed", "timed out", "degraded")
    assert [line["suppressed"] for line in lines if line["type"] == "finding"] == [False, False, True, True, False]
    assert lines[-1]["verdicts"]["clean"] == 2


def test_json_of_no_row_at_all_is_a_finding_with_an_empty_row() -> None:
    of = audit("wanted", extra="-- fail_if: rows = 0\n")
    told = strictly(written(Report((Outcome(of, "found", findings=(finding(of, "nothing is there", {}),)),)), "json"))
    assert told["audits"][0]["findings"][0]["row"] == {}


# csv


def records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_csv_has_a_record_for_each_audit_and_finding_and_all_else() -> None:
    told = records(written(everything(HOSTILE), "csv"))
    kinds = [line["type"] for line in told]
    assert {kind: kinds.count(kind) for kind in kinds} == {"audit": 10, "finding": 5, "gone": 1, "fault": 2, "waiver": 2}
    assert all(None not in line for line in told)
    assert [line["suppressed"] for line in told if line["type"] == "finding"] == ["false", "false", "true", "true", "false"]
    assert [line["verdict"] for line in told if line["type"] == "audit"][:2] == ["clean", "found"]
    assert json.loads(next(line["row"] for line in told if line["type"] == "finding"))["pid"] == 2**63


def test_a_clean_run_is_a_record_for_each_audit() -> None:
    assert [(line["type"], line["audit"], line["verdict"]) for line in records(written(CLEAN, "csv"))] == [
        ("audit", "clean-one", "clean"),
        ("audit", "clean-two", "clean"),
    ]


# markdown


def without_markup(text: str) -> str:
    """What is left of Markdown without what we ourselves write as HTML."""
    return re.sub(r"</?(details|summary|sub)>|<https://example\.org/[\w-]+>", "", text)


def test_no_text_of_others_is_markup_in_markdown() -> None:
    text = without_markup(written(everything(HOSTILE), "markdown", verbose=True))
    assert "<" not in text
    assert "`" not in text
    assert "[" not in text
    assert "\\" not in text
    # Nothing that GitHub makes a link of, or tells somebody of.
    assert not re.search(r"https?://|www\.|@\w|#\d|GH-\d", re.sub("&#8203;", "\u200b", re.sub(r"&#(?!8203)\d+;", "?", text)))


def test_every_row_of_a_table_in_markdown_has_as_many_cells_as_its_head() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", written(everything(HOSTILE), "markdown") + "\n", re.MULTILINE)
    assert len(tables) == 6
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
        assert set(table.splitlines()[1]) <= set("|- ")


def test_markdown_says_what_a_text_of_others_was() -> None:
    told = unescape(written(everything("a|b `c` <d> *e* _f_"), "markdown"))
    assert "first a|b `c` <d> *e* _f_" in told


def test_markdown_fits_into_a_comment_and_tells_what_had_no_room() -> None:
    audits = [audit(f"long-{number}") for number in range(60)]
    report = Report(
        tuple(Outcome(of, "found", findings=tuple(finding(of, "word " * 80) for _ in range(60))) for of in audits), host="here"
    )
    text = written(report, "markdown")
    assert len(text) < 65_536
    assert re.search(r"⚠️ \d+ more parts of this report had no room here", text)
    assert text.count("… and 10 more findings.") >= 1
    whole = written(report, "markdown", verbose=True)
    assert whole.count("### High") == 60
    assert "had no room" not in whole


# html

ELEMENTS = set(
    re.findall(
        r"\w+",
        "html head meta title style body header main section h1 h2 h3 p strong span code div table thead tbody tr th td a "
        "dl dt dd ul li label input details summary",
    )
)
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "id", "scope", "href", "rel", "type", "checked"}
VOID = {"meta", "input"}


class Page(HTMLParser):
    """Elements, attributes and texts of a page; every element is closed where it is to be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment: {data}")


def test_a_page_has_the_elements_and_attributes_of_ours_alone() -> None:
    page = Page(written(everything(HOSTILE), "html"))
    assert {tag for tag, _ in page.seen} <= ELEMENTS
    assert {name for _, attributes in page.seen for name in attributes} <= ATTRIBUTES
    plain = Page(written(everything(), "html"))
    # Only the columns of the row, and what is folded for its length, make a difference.
    assert {tag for tag, _ in page.seen} - {tag for tag, _ in plain.seen} <= {"details", "summary"}


def test_the_classes_of_a_page_are_words_of_ours() -> None:
    page = Page(written(everything(HOSTILE), "html"))
    classes = {word for _, attributes in page.seen for word in (attributes.get("class") or "").split()}
    verdicts = {"found", "failed", "timed-out", "degraded", "accepted", "skipped", "clean"}
    assert classes <= verdicts | {
        *SEVERITIES,
        "caution",
        "wide",
        "number",
        "null",
        "small",
        "verdict",
        "severity",
        "show",
        "suppressed",
    }


def test_links_of_a_page_go_to_the_web_without_telling_from_where_or_stay_in_it() -> None:
    page = Page(written(everything(HOSTILE), "html"))
    links = [attributes for tag, attributes in page.seen if tag == "a"]
    identities = {attributes["id"] for _, attributes in page.seen if "id" in attributes}
    assert any(str(link["href"]).startswith("https://example.org/") for link in links)
    for link in links:
        target = str(link["href"])
        if target.startswith("#"):
            assert target[1:] in identities
        else:
            assert target.startswith("https://example.org/")
            assert "noreferrer" in str(link["rel"])
    assert "javascript:alert(1)" in page.texts


def test_a_page_asks_for_nothing_from_elsewhere() -> None:
    page = Page(written(everything(HOSTILE), "html"))
    policy = next(attributes["content"] for _, attributes in page.seen if attributes.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"url\(|@import", written(CLEAN, "html"))


def test_a_page_shows_every_text_of_others_as_it_is_told_safely() -> None:
    told = "".join(Page(written(everything(HOSTILE), "html")).texts)
    assert safe(HOSTILE) in told
    for value in ("9223372036854775808", "NULL", "x'00ff3c'", "first ", "Linux 6.18.1", "2023-11-14T22:13:20Z"):
        assert value in told


def test_a_waived_finding_is_marked_and_tells_until_when_by_whom_and_why() -> None:
    text = written(everything(), "html")
    marked = re.search(r'<tr class="suppressed critical">.*?</tr>', text)
    assert marked
    assert "waived until 2030-01-31 by plain: plain (/etc/waivers.toml:7)" in marked[0]


@pytest.mark.parametrize("name", ["json", "csv", "html", "markdown"])
def test_other_names_of_columns_in_other_rows_are_no_fault(name: str) -> None:
    of = audit("mixed")
    findings: tuple[Finding, ...] = (
        finding(of, "one", {"process": "a"}),
        finding(of, "two", {"other": None}),
        finding(of, "", {}),
    )
    assert written(Report((Outcome(of, "found", findings=findings),)), name)


# the command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two audits: one finds something whatever machine this is, and one finds nothing."""
    header = "-- title: A {} one\n-- severity: high\n-- message: {{process}} is there\n-- key: process\n"
    value = "char(27) || '[31m<b>|' || char(10)"
    (tmp_path / "bad-one.sql").write_text(header.format("bad") + f"SELECT {value} AS process;\n")
    (tmp_path / "good-one.sql").write_text(header.format("good") + "SELECT 'x' AS process WHERE 0;\n")
    return tmp_path


@pytest.mark.parametrize("name", OURS)
def test_the_command_writes_each_format_with_its_finding_and_status(name: str, folder: Path) -> None:
    done = command("audit", str(folder), "--format", name)
    assert (done.returncode, done.stderr) == (1, "")
    assert not UNSAFE.search(done.stdout)
    assert "good-one" in done.stdout or name == "jsonl"
    assert "[31m<b>|" in unescape(done.stdout)
    if name == "json":
        assert strictly(done.stdout)["audits"][0]["findings"][0]["row"] == {"process": "\x1b[31m<b>|\n"}
    if name == "csv":
        assert [line["verdict"] for line in records(done.stdout) if line["type"] == "audit"] == ["found", "clean"]
    if name == "html":
        Page(done.stdout)


def test_the_command_fits_its_table_into_a_narrow_terminal(folder: Path) -> None:
    shown = in_terminal(30, "audit", str(folder), status=1)
    lines = re.sub(r"\r[^\n]*\r|\x1b\[K", "", shown).splitlines()
    assert lines[0].startswith("HIGH  A bad one")
    assert [line for line in lines if width(line) > 30] == []


def test_many_audits_that_found_nothing_are_told_by_name_on_a_terminal_and_in_a_line_each_elsewhere() -> None:
    names = [f"quiet-{number}" for number in range(40)]
    report = Report(tuple(Outcome(audit(name), "clean") for name in names))
    wide = formats.text(report, Look("table", columns=100))
    assert "clean (40): quiet-0, quiet-1," in wide
    assert all(name in wide for name in names)
    for look in (Look("table"), Look("table", columns=100, verbose=True)):
        text = formats.text(report, look)
        assert len([line for line in text.splitlines() if line.startswith("  clean ")]) == 40
