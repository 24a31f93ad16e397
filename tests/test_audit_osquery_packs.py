"""osquery's packs and configurations, read as osquery reads them."""

from __future__ import annotations

import hashlib
import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.audit import osquery_packs as packs
from sqlports.audit import osquery_rules as rules
from sqlports.audit import runner
from sqlports.audit.audit import Audit
from sqlports.errors import Interrupted, QueryError, QueryTimeout

PACK = r"""# A comment.
{
  // Another, which ends in a backslash and so goes on \
  "platform": "windows",
  "queries": {
    "ports": {
      "query": "SELECT pid, port \
FROM listening_ports \
# no comment: this line is a part of the last \
WHERE port > 0;",
      "interval": "3600", "description": "What listens. And more."
    },
    # Between two queries.
    "second": {"interval": 60,
      "query": "SELECT '// no comment' AS a", "value": "None"}
  }
}
"""


def read(text: str | bytes) -> packs.Packs:
    return packs.read(text, "mine.conf", "/x/mine.conf")


def only(query: dict[str, Any], **pack: Any) -> Audit:
    found = read(json.dumps({**pack, "queries": {"q": query}}))
    assert found.faults == []
    return found.audits[0]


def faults(text: str | bytes) -> list[tuple[int | None, str]]:
    return [(fault.line, fault.message) for fault in read(text).faults]


def test_comments_and_continuations_are_taken_away_as_osquery_does_and_every_line_stays_true() -> None:
    found = read(PACK)
    assert found.faults == []
    assert [(one.id, one.line, one.sql) for one in found.audits] == [
        ("ports", 7, "SELECT pid, port FROM listening_ports # no comment: this line is a part of the last WHERE port > 0;"),
        ("second", 15, "SELECT '// no comment' AS a"),
    ]
    assert [(one.name, one.line, one.skip) for one in found.packs] == [("mine", 2, "")]


def test_a_query_is_an_inventory_of_severity_info_unless_it_says_else() -> None:
    audit = only({"query": "SELECT 1", "description": "What it is. More.", "value": "Good", "interval": "60", "removed": False})
    assert (audit.severity, audit.title, audit.foreign, audit.key, audit.pack) == ("info", "What it is", True, (), "mine")
    assert audit.kept == {"interval": "60", "value": "Good", "removed": "false"}
    assert only({"query": "SELECT 1", "severity": "High"}).severity == "high"
    assert only({"query": "SELECT 1"}).title == "q"


@pytest.mark.parametrize(
    ("platform", "linux", "windows"),
    [
        ("linux", True, False),
        ("ubuntu,centos", True, False),
        ("posix", True, False),
        ("any", True, True),
        ("all", True, True),
        ("", True, True),
        ("null", True, True),
        ("darwin, windows", False, True),
        ("darwin", False, False),
        # A distribution that osquery does not know by name.
        ("debian", False, False),
    ],
)
def test_platforms_are_found_as_words_anywhere_in_the_text(platform: str, linux: bool, windows: bool) -> None:
    assert (rules.fits(platform, "linux"), rules.fits(platform, "win32")) == (linux, windows)


def test_what_is_for_another_platform_is_skipped_and_tells_why() -> None:
    other = "windows" if sys.platform != "win32" else "darwin"
    assert only({"query": "SELECT 1", "platform": other}).skip == f"it is for {other}"
    assert only({"query": "SELECT 1"}, platform=other).skip == f"it is for {other}"
    assert only({"query": "SELECT 1", "platform": None}).skip == ""


def test_a_version_is_the_least_that_does() -> None:
    assert [rules.version_holds(version, "5.23.0") for version in ("1.4.5", "5.3", "5.23", "5.23.0", "0.0.0", "")] == [True] * 6
    assert [rules.version_holds(version, "5.23.0") for version in ("5.23.1", "5.100", "6", "x")] == [False] * 4
    assert only({"query": "SELECT 1", "version": "99.0"}).skip.startswith("it needs osquery 99.0")
    assert only({"query": "SELECT 1", "version": "1.4.5"}).skip == ""


def test_a_machine_is_in_the_shard_of_its_names_digest() -> None:
    # The first byte of the digest of the empty name is 0xda.
    assert rules.machine_shard("") == 0xDA * 100 // 255 == int(hashlib.sha1(b"").hexdigest()[:2], 16) * 100 // 255
    here = rules.machine_shard(socket.gethostname())
    assert only({"query": "SELECT 1", "shard": "100"}).skip == ""
    assert only({"query": "SELECT 1", "shard": here or 1}).skip == ""
    if here > 1:
        assert only({"query": "SELECT 1", "shard": here - 1}).skip.startswith("it is for shards up to")


def test_what_osquery_never_asks_for_its_interval_is_skipped() -> None:
    assert "osquery never asks it" in only({"query": "SELECT 1", "interval": 604801}).skip
    assert "osquery never asks it" in only({"query": "SELECT 1", "interval": "0"}).skip


def test_a_pack_is_asked_when_each_discovery_query_gives_a_row_and_the_first_that_does_not_ends_it() -> None:
    text = json.dumps({"discovery": ["SELECT 1", "SELECT 2 WHERE 0", "SELECT nonsense"], "queries": {}})
    pack = read(text).packs[0]
    asked = []
    with Engine() as engine:

        def run(sql: str) -> int:
            asked.append(sql)
            return len(engine.query(sql))

        assert packs.active(pack, run) == "the pack's discovery query gave no row: SELECT 2 WHERE 0"
        assert asked == ["SELECT 1", "SELECT 2 WHERE 0"]
        assert packs.active(pack._replace(discovery=("SELECT 1",)), run) == ""
        assert packs.active(pack._replace(discovery=()), run) == ""
        why = packs.active(pack._replace(discovery=("SELECT nonsense",)), run)
    assert why.startswith("the pack's discovery query failed: no such column: nonsense")
    assert packs.active(pack._replace(skip="it is for windows"), lambda _: 1 // 0) == "it is for windows"


def test_all_queries_of_a_pack_that_is_left_out_are_skipped_also_those_of_tables_that_are_not_here() -> None:
    queries = {"known": {"query": "SELECT 1"}, "unknown": {"query": "SELECT * FROM apt_sources"}}
    for discovery, verdicts in (("SELECT 1 WHERE 0", ["skipped", "skipped"]), ("SELECT 1", ["found", "failed"])):
        found = read(json.dumps({"discovery": [discovery], "queries": queries}))
        with Engine() as engine:
            checked = runner.check(engine, found.audits, {})
            outcomes = runner.run(engine, checked, found.packs)
        assert [outcome.verdict for outcome in outcomes] == verdicts


def test_a_discovery_query_that_takes_too_long_leaves_the_pack_out_and_an_interrupt_goes_on() -> None:
    pack = packs.Pack("p", "p", 1, ("SELECT 1",), ())

    def late(_: str) -> int:
        raise QueryTimeout("too long")

    def stopped(_: str) -> int:
        raise Interrupted("stopped")

    assert "too long" in packs.active(pack, late)
    with pytest.raises(Interrupted):
        packs.active(pack, stopped)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "it is empty"),
        (" \n ", 1, "it is empty"),
        ("[]", 1, "a pack is an object in braces, and not a list"),
        ("{}", 1, "there are no queries in it"),
        ('{"queries": {}\n', 2, "column 1: the file ends where a comma or } is expected"),
        ('{"queries": {\n  "a": {"query": "SELECT 1"},\n}}', 2, "column 29: osquery takes no comma before }"),
        ('{\n /* c */ "queries": {}}', 2, "column 2: osquery takes no comments but lines that begin with"),
        ('{"queries": {}} // end', 1, "column 17: osquery takes no comments but lines that begin with"),
        ('{"queries": {"a": {"query": "SELECT\n1"}}}', 1, "column 29: this text is not closed in its line"),
        ('{"a": "\\\n\\q"}', 2, "column 1: this escape is none of JSON's"),
        ('{"a": "\\ud800"}', 1, "half a character"),
        ('{"a": 01}', 1, "column 7: a value is expected"),
        ("{'a': 1}", 1, "column 2: a name in double quotes is expected"),
        ('{"a": ' + "[" * 100_000, 1, "more than 32 levels"),
        ('{"a": 1e999}', 1, "this number is too large"),
        (b'{"queries":\n"\xff"}', 2, "it is not UTF-8"),
        ('{"queries": []}', 1, "queries are an object, each by its name, and not a list"),
        ('{"queries": {"a": []}}', 1, "a is a list and has to be an object"),
        ('{"queries": {\n"a": {}}}', 2, "a: it has no `query`"),
        ('{"queries": {"a": {\n"query": 7}}}', 2, "query is a number and has to be a text"),
        ('{"queries": {"a": {"query": "-- nothing"}}}', 1, "there is no statement in it"),
        ('{"queries": {"a": {"query": "SELECT 1; SELECT 2"}}}', 1, "a query is one statement"),
        ('{"queries": {"a": {"query": "SELECT :x"}}}', 1, "it has a parameter"),
        ('{"queries": {"a": {"query": "SELECT \'\\u0000\'"}}}', 1, "no SQL has the character"),
        ('{"queries": {"a": {"query": "SELECT 1",\n"interval": "soon"}}}', 2, 'interval is a number, and not "soon"'),
        ('{"queries": {"a": {"query": "SELECT 1",\n"severity": "worse"}}}', 2, "severity is one of"),
        ('{"queries": {"a": {"query": "SELECT 1",\n"fail_if": "rows"}}}', 2, "fail_if is rows, a sign"),
        ('{"queries": {"a": {"query": "SELECT 1",\n"key": ["pid"]}}}', 2, "key: pid is another one at each start"),
        ('{"discovery": "SELECT 1", "queries": {}}', 1, "discovery is a text and has to be a list"),
        ('{"version": 5, "queries": {}}', 1, "version is a text, and not 5"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str | bytes, line: int, said: str) -> None:
    found = faults(text)
    assert [at for at, _ in found] == [line]
    assert said in found[0][1]


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    assert faults(" " * (packs.LARGEST + 1)) == [(None, "it is larger than 8 MiB")]


def test_all_faults_are_told_at_once_and_the_good_queries_still_count() -> None:
    text = '{"queries": {\n"a": {},\n"b": {"query": "SELECT 1"},\n"c": {"query": 1},\n"d": {"query": "SELECT 1", "tags": 5}}}'
    found = read(text)
    assert [fault.line for fault in found.faults] == [2, 4, 5]
    assert [audit.id for audit in found.audits] == ["b"]


def test_a_second_query_of_a_name_is_a_fault_with_both_lines_unless_it_asks_the_same() -> None:
    text = '{"queries": {\n"a": {"query": "SELECT 1"},\n"a": {"query": "SELECT %d", "interval": 5}}}'
    assert faults(text % 2) == [(3, "the queries: a second 'a': the first is in line 2")]
    found = read(text % 1)
    assert (found.faults, [audit.line for audit in found.audits]) == ([], [2])
    assert faults('{"queries": {"a": {"query": "SELECT 1",\n"query": "SELECT 2"}}}')[0][0] == 2


def test_names_become_ids_of_their_own() -> None:
    found = read(json.dumps({"queries": {name: {"query": "SELECT 1"} for name in ("a b", "a_b", "A_b", "../x", "é\n", "-")}}))
    assert found.faults == []
    assert [audit.id for audit in found.audits] == ["a_b", "a_b-2", "A_b-3", "x", "query", "query-2"]


def test_a_configuration_has_its_schedule_its_packs_and_those_in_other_files(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "other.conf").write_text('{"queries": {"o": {"query": "SELECT 1"}}}')
    (tmp_path / "packs" / "one.conf").write_text('{"queries": {"s": {"query": "SELECT 1"}}}')
    (tmp_path / "packs" / "two.conf").write_text("\n{")
    config = {
        "options": {"host_identifier": "hostname"},
        "schedule": {"s": {"query": "SELECT 1", "interval": 60}},
        "packs": {"in": {"queries": {"i": {"query": "SELECT 1"}}}, "out": "other.conf", "*": "packs/*", "gone": "no.conf"},
    }
    path = tmp_path / "osquery.conf"
    path.write_text(json.dumps(config, indent=1))
    found = packs.read(path.read_bytes(), path.name, str(path))
    # An id that two packs have is told apart by theirs.
    assert [(pack.name, [one.id for one in pack.audits]) for pack in found.packs] == [
        ("osquery", ["osquery.s"]),
        ("in", ["i"]),
        ("out", ["o"]),
        ("one", ["one.s"]),
    ]
    assert [(Path(fault.path).name, fault.line) for fault in found.faults] == [("osquery.conf", 21), ("two.conf", 2)]


def test_a_folder_in_the_place_of_a_pack_is_told_and_hostile_names_are_shown_safely(tmp_path: Path) -> None:
    path = tmp_path / "osquery.conf"
    text = json.dumps({"packs": {"a": str(tmp_path), "b": "\x1b[31m"}})
    found = packs.read(text, path.name, str(path))
    assert len(found.faults) == 2
    assert all("\x1b" not in fault.message for fault in found.faults)


def test_queries_that_other_people_wrote_are_read_and_asked() -> None:
    source = Path(__file__).parents[2] / "shared" / "compat" / "queries.jsonl"
    if not source.exists():
        pytest.skip("the queries of others are not here")
    lines = [json.loads(line) for line in source.read_text().splitlines()]
    queries = {f"{i}_{one['name']}": {"query": one["sql"], "platform": one["platform"]} for i, one in enumerate(lines)}
    found = read(json.dumps({"queries": queries}))
    assert found.faults == []
    assert len(found.audits) == len(lines)


def test_a_fault_of_sql_is_no_error_of_ours() -> None:
    # It is told when it is asked, as of every audit.
    audit = only({"query": "SELECT FROM"})
    with Engine() as engine, pytest.raises(QueryError):
        engine.query(audit.sql)
