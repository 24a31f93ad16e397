"""Waivers: what they waive, until when, and what is said of those that are wrong, expired or of no use."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sqlports.audit import audit, runner, waivers
from sqlports.audit.audit import Audit
from sqlports.audit.formats import words
from sqlports.audit.outcome import Finding, Outcome, Report, Waiver

TODAY = date(2026, 6, 1)
GOOD = 'audit = "exposed-db"\nreason = "firewall"\nexpires = 2027-01-31\n'
Make = Callable[..., Path]


def an_audit(name: str = "exposed-db") -> Audit:
    made = audit.read("-- key: process, port\nSELECT 1 AS process, 2 AS port", name, f"{name}.sql").audit
    assert made
    return made


def finding(name: str = "exposed-db", **row: Any) -> Finding:
    return Finding(an_audit(name), row, row, "0" * 32, "high", "it is there", "it")


def outcome(name: str, *findings: Finding, verdict: str = "found", unseen: tuple[str, ...] = ()) -> Outcome:
    return Outcome(an_audit(name), verdict, findings, unseen=unseen)


def waiver(name: str = "exposed-db", expires: date = date(2027, 1, 31), **match: str) -> Waiver:
    return Waiver(name, match, "firewall", expires, "", "w.toml", 1)


def waived(row: dict[str, Any], name: str = "exposed-db", **match: str) -> bool:
    [found] = waivers.apply([finding(**row)], [waiver(name, **match)], TODAY)
    return found.waiver is not None


@pytest.fixture
def file(tmp_path: Path) -> Make:
    def make(text: str | bytes) -> Path:
        path = tmp_path / "w.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def faults(path: Path) -> list[tuple[int | None, str]]:
    return [(fault.line, fault.message) for fault in waivers.read(str(path))[1]]


def test_a_waiver_has_what_its_table_says(file: Make) -> None:
    path = file(
        '# ours\n\n[[waiver]]\naudit = "exposed-db"\n'
        'match = { process = "postgres", port = 5432, loopback = true, load = 2.5, address = "10.*" }\n'
        'reason = """behind the\nfirewall\\u001b"""\nexpires = 2027-01-31\nowner = "dba@example.org"\n'
        '[[waiver]]\naudit = "x-*"\nreason = "r"\nexpires = "2026-12-31"\n'
    )
    found, wrong = waivers.read(str(path))
    match = {"process": "postgres", "port": "5432", "loopback": "1", "load": "2.5", "address": "10.*"}
    first = Waiver("exposed-db", match, "behind the firewall\\x1b", date(2027, 1, 31), "dba@example.org", str(path), 3)
    assert (found, wrong) == ([first, Waiver("x-*", {}, "r", date(2026, 12, 31), "", str(path), 10)], [])


@pytest.mark.parametrize(
    "match",
    ["match.port = 1", "[waiver.match]\nport = 1", 'match = { "port" = 1 }'],
)
def test_what_matches_may_be_written_in_any_way_that_toml_has(match: str, file: Make) -> None:
    found, wrong = waivers.read(str(file(f"[[waiver]]\n{GOOD}{match}\n[[waiver]]\n{GOOD}")))
    assert ([one.match for one in found], wrong) == ([{"port": "1"}, {}], [])


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('reason = "r"\nexpires = 2027-01-31', 1, "the waiver has no audit"),
        ('audit = "a"\nexpires = 2027-01-31', 1, "the waiver has no reason"),
        ('audit = "a"\nreason = "r"', 1, "the waiver has no expires"),
        ('audit = " "\nreason = "r"\nexpires = 2027-01-31', 2, "audit is empty"),
        ('audit = "a"\nreason = ""\nexpires = 2027-01-31', 3, "reason is empty"),
        (f'{GOOD}owner = ""', 5, "owner is empty"),
        ('audit = "a"\nreason = 5\nexpires = 2027-01-31', 3, "reason is a text in quotes"),
        ('audit = "a"\nreason = "r"\nexpires = 2027-01-31T10:00:00', 4, "expires is a date"),
        ('audit = "a"\nreason = "r"\nexpires = 10:00:00', 4, "expires is a date"),
        ('audit = "a"\nreason = "r"\nexpires = "soon"', 4, "expires is a date"),
        ('audit = "a"\nreason = "r"\nexpires = "2027-02-30"', 4, "expires is a date"),
        ('audit = "a"\nreason = "r"\nexpires = "20270131"', 4, "expires is a date"),
        ('audit = "a"\nreason = "r"\nexpires = 2027', 4, "expires is a date"),
        ('audit = "a"\nreason = "r"\nexpires = 2027-02-30', 4, "invalid date"),
        (f'{GOOD}reasn = "r"', 5, "did you mean reason?"),
        (f"{GOOD}zzz = 1", 5, "it has audit, match, unseen, reason, expires, owner"),
        (f"{GOOD}match = 5", 5, "match is a table of columns"),
        (f"{GOOD}match = {{ port = [5432] }}", 5, "the pattern for port is no text"),
        (f"{GOOD}[waiver.match]\nport = 2027-01-31", 5, "the pattern for port is no text"),
        ('audit = "*"\nreason = "r"\nexpires = 2027-01-31', 2, "it waives all findings of all audits"),
        ('audit = "?*"\nmatch = {port="*"}\nreason = "r"\nexpires = 2027-01-31', 2, "it waives all findings of all audits"),
    ],
)
def test_a_faulty_waiver_is_told_with_its_line_and_waives_nothing(text: str, line: int, said: str, file: Make) -> None:
    path = file(f"[[waiver]]\n{text}\n")
    [(where, message)] = faults(path)
    assert (where, said in message) == (line, True), message
    assert waivers.read(str(path))[0] == []


def test_all_faults_are_told_in_one_go_and_what_is_in_order_holds(file: Make) -> None:
    path = file(
        f'titel = 1\n[[waiver]]\n{GOOD}\n[[waiver]]\naudit = "[[waiver]]"\nreason = """\n[[waiver]]\nexpires = 1\n"""\n'
        f'[[waiver]] # no audit\nexpires = "x"\nowner = 1\nreason = "r"\n[waivers]\n'
    )
    assert [line for line, _ in faults(path)] == [1, 7, 13, 14, 15, 17]
    assert [one.line for one in waivers.read(str(path))[0]] == [2]


def test_waivers_in_one_array_have_their_lines(file: Make) -> None:
    table = '{ audit = "a, {", reason = "r, ]", expires = 2027-01-31, match = { port = 1, x = [] } }'
    path = file(f"waiver = [\n  {table},\n\n  # {{,\n  {table}, 5 ]\n")
    assert [line for line, _ in faults(path)] == [2, 5, 5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[waiver]\n" + GOOD, [(1, "each is a table [[waiver]], in two brackets")]),
        ("waiver = 5\n", [(1, "each is a table [[waiver]], in two brackets")]),
        ("[[waivers]]\n" + GOOD, [(1, "such a file has no waivers: did you mean [[waiver]]?")]),
        (GOOD, [(n, f"such a file has no {key}: it has [[waiver]] alone") for n, key in ((1, "audit"), (2, "reason"))]),
    ],
)
def test_what_is_no_list_of_waivers_is_told(text: str, said: list[tuple[int, str]], file: Make) -> None:
    assert faults(file(text))[: len(said)] == said
    assert waivers.read(str(file(text)))[0] == []


def test_of_a_text_that_is_no_toml_nothing_holds_and_the_other_faults_are_told_too(file: Make) -> None:
    path = file(f'[[waiver]]\n{GOOD}[[waiver]]\naudit = "b"\nmatch = {{ port = \n[[waiver]]\naudit = "c"\n')
    found, wrong = waivers.read(str(path))
    assert found == []
    assert [fault.line for fault in wrong] == [7, 8, 8]


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = " + "9" * 5000, "x = '''", "\x00", "[[waiver"])
def test_what_is_beyond_reading_is_a_fault(text: str, file: Make) -> None:
    path = file(text)
    assert faults(path)
    assert waivers.read(str(path))[0] == []


def test_a_file_that_cannot_be_read_is_a_fault(file: Make, tmp_path: Path) -> None:
    assert faults(file(b"[[waiver]]\n# \xff\n")) == [(2, "it is not UTF-8")]
    assert faults(file(b"#" * (waivers.LARGEST + 1))) == [(None, "it is larger than 1,048,576 bytes")]
    assert faults(tmp_path) == [(None, "it is a directory")]
    assert faults(tmp_path / "none") == [(None, "No such file or directory")]
    assert faults(Path("a\0b"))
    if os.path.exists("/dev/zero"):
        assert faults(Path("/dev/zero")) == [(None, "it is no file")]


def test_a_file_without_waivers_is_in_order(file: Make) -> None:
    assert waivers.read(str(file("# none yet\n"))) == ([], [])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_waivers_may_come_from_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(f"\ufeff[[waiver]]\r\n{GOOD}",))
    writer.start()
    found, wrong = waivers.read(str(path))
    writer.join()
    assert ([one.audit for one in found], wrong) == (["exposed-db"], [])


@pytest.mark.parametrize(
    ("value", "pattern", "does"),
    [
        ("postgres", "postgres", True),
        ("postgres", "Postgres", False),
        ("postgres: writer", "postgres", False),
        ("postgres: writer", "post*", True),
        ("10.1.2.3", "10.*", True),
        ("110.1.2.3", "10.*", False),
        (5432, "5432", True),
        (5432, "54?2", True),
        (54321, "5432", False),
        (1, "1", True),
        (2.5, "2.5", True),
        (-(2**63), "-9223372036854775808", True),
        (b"\x00\xff", "x'00ff'", True),
        ("a\nb", "a*b", True),
        ("a\n", "a", False),
        ("\udcff", "?", True),
        (None, "NULL", True),
        (None, "*", False),
        (None, "", False),
        ("NULL", "NULL", False),
        ("NULL", "NUL[L]", True),
        ("", "", True),
        ("a*b", "a[*]b", True),
        ("axb", "a[*]b", False),
        ("a.b", "a[!.]b", False),
        ("x", "[z-a]", False),
        ("[", "[", True),
        ("(a|b)+", "(a|b)+", True),
    ],
)
def test_a_pattern_is_compared_with_the_whole_value(value: Any, pattern: str, does: bool) -> None:
    assert waived({"c": value}, c=pattern) is does


def test_all_columns_are_to_match_and_one_that_is_not_there_does_not() -> None:
    row = {"process": "postgres", "port": 5432}
    assert waived(row)
    assert waived(row, process="post*", port="5432")
    assert not waived(row, process="post*", port="5433")
    assert not waived(row, process="post*", address="*")
    assert not waived(row, Process="postgres")
    assert not waived({}, port="*")


def test_audits_are_named_by_their_id_or_a_pattern() -> None:
    assert waived({}, "exposed-*")
    assert not waived({}, "exposed")
    assert not waived({}, "Exposed-db")


@pytest.mark.usefixtures("endless")
def test_a_huge_value_does_not_hold_up_a_pattern_of_many_stars() -> None:
    value = "abc" * 400_000
    assert not waived({"c": value}, c="*a*b*c*d*")
    assert not waived({"c": value}, c="*" + "a*" * 30 + "d")
    assert waived({"c": value + "d"}, c="*a*b*c*d*")


def test_the_first_that_matches_and_holds_is_the_one() -> None:
    past, other, first, second = waiver(expires=date(2026, 5, 31)), waiver("x"), waiver(port="1"), waiver()
    found = waivers.apply([finding(port=1), finding(port=2)], [past, other, first, second], TODAY)
    assert [one.waiver for one in found] == [first, second]
    assert all(one.suppressed for one in found)


def test_a_waiver_holds_on_its_last_day_and_not_on_the_next() -> None:
    given = [waiver(expires=TODAY)]
    assert waivers.apply([finding()], given, TODAY)[0].waiver == given[0]
    assert waivers.apply([finding()], given, date(2026, 6, 2))[0].waiver is None


def test_expired_waivers_are_told_with_what_they_would_match() -> None:
    past = date(2026, 5, 31)
    given = [waiver(expires=past), waiver("other", past), waiver(expires=past, port="1")]
    expired, unused = waivers.told([outcome("exposed-db", finding(port=1), finding(port=2))], given, TODAY)
    # Of an audit that was not run nobody knows.
    assert (expired, unused) == (tuple(zip(given, [2, None, 1], strict=True)), ())
    said = words.stale(Report((), expired=expired))
    assert said[0].endswith("; 2 findings would still match it")
    assert said[1].endswith("; no audit that it is for was run")


@pytest.mark.parametrize(
    ("verdict", "unseen", "is_told"),
    [
        ("clean", (), True),
        ("found", (), True),
        ("found", ("one",), False),
        ("degraded", ("one",), False),
        ("failed", (), False),
        ("timed out", (), False),
        ("skipped", (), False),
    ],
)
def test_a_waiver_is_of_no_use_only_where_its_audit_saw_all(verdict: str, unseen: tuple[str, ...], is_told: bool) -> None:
    given = [waiver(port="9")]
    found = waivers.told([outcome("exposed-db", verdict=verdict, unseen=unseen)], given, TODAY)
    assert found == ((), tuple(given) if is_told else ())


def test_a_waiver_of_several_audits_is_of_no_use_when_all_of_them_say_so() -> None:
    given = [waiver("exposed-*")]
    ran, failed = outcome("exposed-db", verdict="clean"), outcome("exposed-cache", verdict="failed")
    assert waivers.told([ran], given, TODAY)[1] == tuple(given)
    assert waivers.told([ran, failed], given, TODAY)[1] == ()
    assert waivers.told([ran], given, TODAY, ["exposed-db", "exposed-cache"])[1] == ()
    assert waivers.told([outcome("exposed-db", finding())], given, TODAY)[1] == ()


def test_a_waiver_of_an_audit_that_was_not_run_is_of_no_use_only_if_there_is_none() -> None:
    given = [waiver("other"), waiver("exposd-db")]
    ids = ["exposed-db", "other"]
    assert waivers.told([outcome("exposed-db", finding())], given, TODAY)[1] == ()
    assert waivers.told([outcome("exposed-db", finding())], given, TODAY, ids)[1] == (given[1],)
    [said] = waivers.unknown(given, ids)
    assert said.told == "w.toml:1: there is no audit exposd-db: did you mean exposed-db?"


def test_a_column_that_its_audit_has_not_is_a_fault() -> None:
    columns = {"exposed-db": ["process", "port"]}
    given = [waiver(proces="x", port="1"), waiver("exposed-*", nonsense="x"), waiver("other", nonsense="x")]
    [said] = waivers.columns_faults(given, columns)
    assert said.told == "w.toml:1: match: exposed-db has no column proces: did you mean process?"


def test_a_column_that_no_audit_of_a_pattern_has_is_a_fault_once_all_of_them_are_known() -> None:
    columns = {"exposed-db": ["process"], "exposed-cache": ["process", "port"]}
    given = [waiver("exposed-*", port="1"), waiver("exposed-*", prot="1"), waiver("*", nonsense="1")]
    told = [fault.told for fault in waivers.columns_faults(given, columns, [*columns, "other"])]
    assert told == ["w.toml:1: match: no audit exposed-* has a column prot: did you mean port?"]
    assert waivers.columns_faults(given, columns, [*columns, "exposed-x"]) == []


def blind(audit: str, pattern: str, expires: date = date(2027, 1, 31)) -> Waiver:
    return Waiver(audit, {}, "that is init", expires, "", "w.toml", 1, pattern)


INIT = "/proc/PID/exe of process 1 could not be read: permission"
ALL = "/proc/PID/fd of 9 processes could not be read: permission"


def test_a_waiver_accepts_what_was_not_seen_and_no_finding() -> None:
    given = [blind("*", "*of process 1 could*")]
    found = waivers.accept(outcome("exposed-db", finding(port=1), unseen=(INIT, ALL)), given, TODAY)
    assert (found.unseen, found.accepted) == ((ALL,), ((INIT, given[0]),))
    [one] = waivers.apply(found.findings, given, TODAY)
    assert one.waiver is None
    whole = waivers.accept(outcome("exposed-db", verdict="degraded", unseen=(INIT,)), given, TODAY)
    assert runner.judged(whole).verdict == "clean"
    assert words.verdict(runner.judged(whole)) == words.ACCEPTED
    # What was not found may be there all the same.
    assert not runner.judged(whole).saw_all
    assert waivers.accept(outcome("exposed-db", unseen=(INIT,)), [blind("other", "*")], TODAY).unseen == (INIT,)


def test_what_was_not_seen_comes_back_when_its_waiver_has_expired_and_one_of_no_use_is_told() -> None:
    past, other = blind("*", "*process 1*", date(2026, 5, 31)), blind("*", "*mountinfo*")
    of = outcome("exposed-db", verdict="degraded", unseen=(INIT,))
    assert waivers.accept(of, [past], TODAY).unseen == (INIT,)
    assert waivers.told([of], [past, other], TODAY) == (((past, 1),), (other,))
    current = blind("*", "*process 1*")
    assert waivers.told([waivers.accept(of, [current], TODAY)], [current], TODAY) == ((), ())


@pytest.mark.parametrize(
    ("more", "line", "message"),
    [
        (
            'unseen = "*1*"\nmatch = { port = 1 }',
            5,
            "match is for findings and unseen for what was not seen: write two waivers",
        ),
        ('unseen = ""', 5, "unseen is empty"),
        ("unseen = 1", 5, "unseen is a text in quotes"),
    ],
)
def test_a_faulty_waiver_of_what_was_not_seen_is_refused(file: Make, more: str, line: int, message: str) -> None:
    found = file(f"[[waiver]]\n{GOOD}{more}\n")
    assert waivers.read(str(found))[0] == []
    assert faults(found) == [(line, message)]


def test_that_every_audit_is_blind_cannot_be_accepted(file: Make) -> None:
    text = '[[waiver]]\naudit = "*"\nunseen = "{}"\nreason = "firewall"\nexpires = 2027-01-31\n'
    [fault] = faults(file(text.format("*")))
    assert fault == (3, "it accepts that all audits are blind: name an audit, or what is not seen")
    [made] = waivers.read(str(file(text.format("*process 1 *"))))[0]
    assert (made.audit, made.unseen) == ("*", "*process 1 *")
