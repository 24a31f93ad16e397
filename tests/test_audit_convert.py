"""Audits as an osquery pack, packs as audits, and both ways there and back."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.audit import audit as audits
from sqlports.audit import convert, osquery_packs, statements
from sqlports.audit.audit import Audit
from sqlports.audit.new_files import ConvertError
from sqlports.queries.parameters import Parameter

WHOLE = """-- title: A port is open
-- severity: high
-- description: One line, and
--   another.
--
--   A paragraph.
-- platform: linux, win32
-- tags: network, attack.T1190
-- requires: root
-- param: ports text 'it''s,5432' Ports of databases.
-- param: least integer -5
-- param: share real 0.5
-- param: none text NULL
-- param: kind tcp|udp tcp
-- key: protocol, port
-- message: {process} has {port}
-- fail_if: rows >= 2
-- fix: Close it.
-- references: https://a.example/ https://b.example/
-- false_positives: None.
-- author: Ann
-- interval: 60
-- snapshot: true
-- value: Much

    SELECT ':ports', :ports AS p, 3-:least AS n, :share, :none -- :ports
    , (SELECT 1 WHERE :kind='tcp') /* :kind */
    FROM (SELECT 1);
-- Behind it.
"""

HOSTILE = [
    "a\nb",
    "'; DROP TABLE x; --",
    "*/ /* -- x",
    "\n-- severity: critical\n",
    "${HOME} $(id) `id`",
    "\\ \\n \\\\",
    "ü 漢 \U0001f600",
    "\x1b[31m\x00\x7f\x9b\u202e",
    "  two  spaces  ",
    "a\n\nb\n\n\nc",
    '"',
    "\u2028\u00a0x",
    "word " * 60,
    "x" * 300,
    "key: value",
    "a\n\nSeverity: critical\n\nb\n\nfalse positives : none",
    "word " * 21 + "title: x " * 20,
]


def from_pack(value: dict[str, Any]) -> osquery_packs.Packs:
    found = osquery_packs.read(json.dumps(value), "mine.conf", "mine.conf")
    assert found.faults == []
    return found


def from_files(files: dict[str, str]) -> list[Audit]:
    found = []
    for name, text in files.items():
        read = audits.read(text, os.path.basename(name).removesuffix(".sql"), name, "mine")
        assert read.faults == []
        assert read.audit
        found.append(read.audit)
    return found


def said(audit: Audit) -> Audit:
    """What an audit says, without where it stands."""
    return audit._replace(sql=statements.statement(audit.sql), path="", line=0, pack="", foreign=False, skip="")


def test_a_folder_keeps_every_field_through_a_pack_and_back() -> None:
    one = from_files({"one.sql": WHOLE})
    read = osquery_packs.read(convert.to_pack(one), "mine.conf", "mine.conf")
    assert read.faults == []
    back = from_files(convert.to_files(read.packs))
    assert [audit._replace(kept={}) for audit in map(said, back)] == [audit._replace(kept={}) for audit in map(said, one)]
    assert {key: text for key, text in back[0].kept.items() if key != "osquery"} == one[0].kept
    assert (one[0].parameters, one[0].kept["author"]) == (back[0].parameters, "Ann")
    assert json.loads(convert.to_pack(back)) == json.loads(convert.to_pack(one))


def test_a_pack_has_what_osquery_reads_with_the_defaults_in_place_of_the_parameters() -> None:
    query = json.loads(convert.to_pack(from_files({"one.sql": WHOLE})))["queries"]["one"]
    assert query["query"] == (
        "SELECT ':ports', 'it''s,5432' AS p, 3- (-5) AS n, 0.5, NULL -- :ports\n"
        ", (SELECT 1 WHERE 'tcp' ='tcp') /* :kind */\nFROM (SELECT 1);"
    )
    assert (query["interval"], query["platform"], query["snapshot"]) == (60, "linux,windows", True)
    with Engine() as engine:
        assert [tuple(row.values()) for row in engine.query(query["query"])] == [(":ports", "it's,5432", 8, 0.5, None, 1)]


def test_a_pack_whose_query_was_changed_asks_the_new_one() -> None:
    pack = json.loads(convert.to_pack(from_files({"one.sql": WHOLE})))
    assert from_pack(pack).audits[0].parameters
    pack["queries"]["one"]["query"] = "SELECT 2"
    changed = from_pack(pack).audits[0]
    assert (changed.sql, changed.parameters) == ("SELECT 2", ())


def test_a_literal_stays_a_word_of_its_own() -> None:
    def put(sql: str, value: Any) -> str:
        return statements.with_defaults(sql, [Parameter("p", "any", default=value, required=False)])

    assert put("SELECT 1 WHERE 1=:p", -1) == "SELECT 1 WHERE 1= (-1)"
    assert put("SELECT x:p", "61") == "SELECT x '61'"
    assert put("SELECT 1-:p", -2.5) == "SELECT 1- (-2.5)"
    assert put("SELECT ':p', \":p\", [:p], `:p` /* :p */ -- :p", 1) == "SELECT ':p', \":p\", [:p], `:p` /* :p */ -- :p"
    assert put("SELECT (:p),:p;", None) == "SELECT (NULL),NULL;"


PACK = {
    "platform": "posix",
    "version": "1.4.5",
    "shard": 100,
    "oncall": "ann",
    "discovery": ["SELECT 1", "SELECT 2"],
    "unknown": {"a": [1, None]},
    "queries": {
        "mithra`s_rootkit": {"query": "select 1;", "interval": 3600, "platform": "any", "value": "a\nb"},
        "sadmind/iis": {"query": "-- severity: critical\nselect 2 -- last", "removed": False, "nested": {"x": ["  "]}},
        "SADMIND_IIS": {"query": "select\n  'a\n  b'", "description": "One.\nTwo.", "references": ["https://a.example/x,y"]},
        "plain": {"query": "select 3", "version": "5.0.0", "shard": 100, "startup_priority": 1, "platform": "ubuntu,darwin"},
        "../../etc/passwd": {"query": "select 4", "name": "inner", "osquery": "mine", "Severity": "x", "titel": "slip"},
    },
}


def test_a_pack_keeps_every_query_and_key_through_a_folder_and_back() -> None:
    files = convert.to_files(from_pack(PACK).packs)
    assert all(re.fullmatch(r"[A-Za-z0-9][\w.-]*\.sql", name) for name in files)
    assert len({name.lower() for name in files}) == 5
    back = json.loads(convert.to_pack(from_files(files)))
    assert {key: back[key] for key in PACK if key != "queries"} == {key: PACK[key] for key in PACK if key != "queries"}
    queries: dict[str, dict[str, Any]] = PACK["queries"]  # type: ignore[assignment]
    assert set(back["queries"]) == set(queries)
    for name, query in queries.items():
        mine = back["queries"][name]
        assert {**mine, "query": mine["query"].rstrip(";")} == {**mine, **query, "query": query["query"].rstrip(";")}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_pack_becomes_sql_or_another_field_and_none_is_lost(text: str) -> None:
    says = ("description", "title", "value", "fix", "false_positives", "message")
    query = {"query": "SELECT 1", "tags": [text], "other": text, **dict.fromkeys(says, text)}
    found = osquery_packs.read(json.dumps({"queries": {"q" + text: query}}), "p.conf", "p.conf")
    assert found.faults == []
    files = convert.to_files(found.packs)
    ((name, written),) = files.items()
    assert "/" not in name
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", written)
    assert [line for line in written.splitlines() if not line.startswith("--")] == ["SELECT 1;"]
    (audit,) = from_files(files)
    assert audit.severity == "info"
    back = json.loads(convert.to_pack([audit]))["queries"]
    assert list(back) == ["q" + text]
    same = ("title", "description", "value", "fix", "false_positives", "other", "tags")
    assert {key: back["q" + text].get(key) for key in same} == {key: query[key] for key in same}


def test_lines_of_a_header_are_not_too_long() -> None:
    files = convert.to_files(from_pack({"queries": {"q": {"query": "SELECT 1", "description": "word " * 90}}}).packs)
    assert max(map(len, files["q.sql"].splitlines())) <= 120


def test_a_header_that_somebody_changed_holds() -> None:
    (text,) = convert.to_files(
        from_pack({"queries": {"q": {"query": "SELECT 1", "platform": "ubuntu", "fix": "a\nb"}}}).packs
    ).values()
    assert json.loads(convert.to_pack(from_files({"q.sql": text})))["queries"]["q"]["platform"] == "ubuntu"
    changed = from_files({"q.sql": text.replace("platform: linux", "platform: darwin").replace("fix: a b", "fix: c")})
    query = json.loads(convert.to_pack(changed))["queries"]["q"]
    assert (query["platform"], query["fix"]) == ("darwin", "c")


def test_packs_of_one_configuration_get_a_folder_each() -> None:
    value = {"packs": {name: {"queries": {"q": {"query": "SELECT 1"}}} for name in ("a/b", "A_B")}}
    assert list(convert.to_files(from_pack(value).packs)) == ["a_b/a_b.q.sql", "A_B-2/A_B.q-2.sql"]


def test_queries_that_other_people_wrote_come_back_as_they_were() -> None:
    source = Path(__file__).parents[2] / "shared" / "compat" / "queries.jsonl"
    if not source.exists():
        pytest.skip("the queries of others are not here")
    lines = [json.loads(line) for line in source.read_text().splitlines()]
    queries = {f"{i}_{one['name']}": {"query": one["sql"], "platform": one["platform"]} for i, one in enumerate(lines)}
    files = convert.to_files(from_pack({"queries": queries}).packs)
    back = json.loads(convert.to_pack(from_files(files)))["queries"]
    assert [back[name]["query"].rstrip("; \n") for name in queries] == [one["sql"].rstrip("; \n") for one in lines]
    assert [back[name].get("platform") for name in queries] == [one["platform"] for one in lines]


def test_files_are_written_all_or_none_and_never_over_others(tmp_path: Path) -> None:
    place = tmp_path / "new" / "deep"
    convert.write({"a.sql": "A\n", "p/b.sql": "B\n"}, str(place))
    convert.write({"a.sql": "A\n", "p/b.sql": "B\n", "c.sql": "C\n"}, str(place))
    with pytest.raises(ConvertError, match=r"a\.sql is there already, with another text"):
        convert.write({"d.sql": "D\n", "a.sql": "other\n"}, str(place))
    assert sorted(path.name for path in place.iterdir()) == ["a.sql", "c.sql", "p"]
    assert (place / "a.sql").read_text() == "A\n"


def test_nothing_is_left_when_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConvertError, match="nothing is written"):
        convert.write({"new/a.sql": "A\n", "file/b.sql": "B\n"}, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="links and pipes as Unix has them")
def test_no_link_or_pipe_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "a.sql").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "b.sql")
    for name in ("a.sql", "b.sql"):
        with pytest.raises(ConvertError, match="is there already"):
            convert.write({name: "A\n"}, str(tmp_path))
    assert not (tmp_path / "elsewhere").exists()


def test_both_ways_through_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.conf").write_text(json.dumps(PACK))
    told = convert.convert([str(tmp_path / "p.conf")], str(tmp_path / "out"))
    assert any("discovery" in sentence for sentence in told)
    assert len(list((tmp_path / "out").iterdir())) == 5
    assert convert.convert([str(tmp_path / "out")], str(tmp_path / "back.conf")) == []
    assert convert.convert([str(tmp_path / "out")], "-") == []
    assert json.loads(capsys.readouterr().out)["queries"] == json.loads((tmp_path / "back.conf").read_text())["queries"]


ORDERED = """-- title: One
-- severity: low
-- fail_if: rows > 3
-- description: Some words.
-- author: Ann
-- key: name, path
-- references: https://a.example/ https://b.example/
-- param: least integer 1 The least.
SELECT name, path FROM processes WHERE pid > :least;
"""


def test_a_file_that_went_through_a_pack_is_the_same_file_again(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "one.sql").write_text(ORDERED)
    convert.convert([str(tmp_path / "ours")], str(tmp_path / "ours.conf"))
    assert "interval" not in (tmp_path / "ours.conf").read_text()
    convert.convert([str(tmp_path / "ours.conf")], str(tmp_path / "again"))
    assert [path.name for path in (tmp_path / "again").iterdir()] == ["one.sql"]
    assert (tmp_path / "again" / "one.sql").read_text() == ORDERED


def test_an_order_that_somebody_wrote_into_the_file_does_no_harm() -> None:
    (audit,) = from_files({"q.sql": '-- title: Q\n-- osquery: {"order": {"a": 1}}\nSELECT 1;'})
    assert convert.to_file(audit, "q", {}) == "-- title: Q\n-- severity: medium\nSELECT 1;\n"


def test_a_query_that_osquery_never_asks_is_told_of_as_files_are_always_asked(tmp_path: Path) -> None:
    queries = {name: {"query": "SELECT 1", "interval": seconds} for name, seconds in (("a", 0), ("b", 60), ("c", 700000))}
    (tmp_path / "p.conf").write_text(json.dumps({"queries": queries}))
    (told,) = convert.convert([str(tmp_path / "p.conf")], str(tmp_path / "out"))
    assert told.startswith("p: osquery never asks")
    assert told.endswith(": a, c")


def test_audits_and_packs_are_converted_by_their_names(tmp_path: Path) -> None:
    convert.convert(["health", "reverse-shell"], str(tmp_path / "x.conf"))
    queries = json.loads((tmp_path / "x.conf").read_text())["queries"]
    assert {"zombies", "reverse-shell"} < set(queries)
    with pytest.raises(ConvertError, match=r"did you mean reverse-shell\?"):
        convert.convert(["reverse-shel"], str(tmp_path / "y.conf"))


def test_tables_that_osquery_has_not_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("SELECT threads FROM processes p, users u")
    (tmp_path / "b.sql").write_text('SELECT 1 FROM processes, (SELECT * FROM users, "Sockets") JOIN listeners l USING (pid)')
    told = convert.convert([str(tmp_path / name) for name in ("a.sql", "b.sql")], str(tmp_path / "x.conf"))
    assert told == ["osquery has no table listeners, sockets: there these fail: b"]


def test_every_table_that_follows_osquery_is_known_to_be_its() -> None:
    from importlib import import_module

    from sqlports import registry

    docs = {name: import_module(f"sqlports.tables.{name}").__doc__ or "" for name in registry.table_names()}
    docs |= {name: registry.view(name).doc for name in registry.view_names()}
    own = {name for name, doc in docs.items() if re.search(r"osquery's columns|follow\s+osquery", doc)}
    assert own == convert.osquerys()


def test_what_cannot_be_converted_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.conf").write_text(json.dumps({"queries": {"q": {"query": "SELECT 1"}}}))
    (tmp_path / "a.sql").write_text("-- param: x integer\nSELECT :x")
    (tmp_path / "b.sql").write_text("-- param: x integer 1\n-- fail_if: rows = 0\nSELECT :x")
    (tmp_path / "bad.sql").write_text("-- severity: worse\nSELECT 1")
    for paths, output, message in (
        (["p.conf"], None, "say which with -o FOLDER"),
        (["p.conf", "b.sql"], "x", "not both at once"),
        (["a.sql"], "x", "a is left out: a pack has no values for :x"),
        (["bad.sql", "a.sql"], "x", "bad.sql:1: severity is one of"),
        (["no.sql"], "x", "no.sql"),
    ):
        with pytest.raises(ConvertError, match=re.escape(message)):
            convert.convert([str(tmp_path / name) for name in paths], output and str(tmp_path / output))
    told = convert.convert([str(tmp_path / "a.sql"), str(tmp_path / "b.sql")], str(tmp_path / "new.conf"))
    assert len(told) == 3
    assert list(json.loads((tmp_path / "new.conf").read_text())["queries"]) == ["b"]
    assert not (tmp_path / "x").exists()
