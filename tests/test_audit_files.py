"""The files of audits: what their headers say, every fault with its line, and which files a word stands for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sqlports import Engine
from sqlports.audit import find, runner
from sqlports.audit.audit import Audit, Condition, read
from sqlports.audit.findings import findings

from .conftest import as_nobody

FULL = """\
-- id: full
-- title: A title
-- severity: High
-- description: The first line,
--   and the second.
--
--   Another paragraph.
-- platform: linux, darwin
-- tags: attack.T1571, cis.4.8
-- requires: root, processes.path
-- param: port integer 9000 The port.
-- param word red|green red A colour.
-- key: name
-- message: {name} has {port}
-- fail_if: rows >= 2
-- fix: Do it.
-- references: https://example.org/a https://example.org/b
-- false_positives: None.
-- author: somebody
SELECT 'x' AS name, :port AS port, :word AS word;
"""


def audit(text: str, name: str = "one") -> Audit:
    got = read(text, name, f"{name}.sql")
    assert got.audit, got.faults
    return got.audit


def faults(text: str, name: str = "one") -> list[tuple[int | None, str]]:
    got = read(text, name, f"{name}.sql")
    assert got.audit is None
    return [(fault.line, fault.message) for fault in got.faults]


def wrong(engine: Engine, text: str) -> list[tuple[int | None, str]]:
    """What is found wrong when it is compiled."""
    one = audit(text)
    values = {one.id: {parameter.name: parameter.default for parameter in one.parameters}}
    return [(fault.line, fault.message) for fault in runner.check(engine, [one], values).faults]


def put(place: Path, text: str = "SELECT 1 AS a") -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder of audits, which is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "sqlports" / "audits"


def test_every_key_of_a_header_is_read() -> None:
    one = audit(FULL)
    assert (one.id, one.title, one.severity, one.line) == ("full", "A title", "high", 20)
    assert one.description == "The first line, and the second.\n\nAnother paragraph."
    assert (one.platforms, one.tags) == (("linux", "darwin"), ("attack.T1571", "cis.4.8"))
    assert (one.requires, one.key, one.message) == (("root", "processes.path"), ("name",), "{name} has {port}")
    assert [(item.name, item.takes, item.default, item.doc) for item in one.parameters] == [
        ("port", "INTEGER", 9000, "The port."),
        ("word", "red|green", "red", "A colour."),
    ]
    assert (one.fail_if, one.fix, one.false_positives) == (Condition(">=", 2), "Do it.", "None.")
    assert one.references == ("https://example.org/a", "https://example.org/b")
    assert one.kept == {"author": "somebody"}


def test_a_file_without_a_header_is_an_audit_of_its_name() -> None:
    one = audit("SELECT 1", "who-is-there")
    assert (one.id, one.title, one.severity, one.key, one.fail_if) == (
        "who-is-there",
        "who-is-there",
        "medium",
        (),
        Condition(),
    )


def test_a_comment_without_keys_is_title_and_description() -> None:
    one = audit("-- Who listens. It should be nobody.\nSELECT 1")
    assert (one.title, one.description) == ("Who listens", "Who listens. It should be nobody.")


def test_a_header_as_osquery_defense_kit_has_it_is_understood() -> None:
    one = audit(
        "-- Unexpected programs\n--\n-- references:\n--   * https://attack.example/T1059/\n--\n-- false positives:\n"
        "--   * a shell of yours\n--\n-- interval: 300\n-- platform: posix\n-- tags: process state\nSELECT 1\n"
    )
    assert one.title == "Unexpected programs"
    assert one.references == ("https://attack.example/T1059/",)
    assert one.false_positives == "* a shell of yours"
    assert one.tags == ("process", "state")
    assert one.kept["interval"] == "300"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("-- severity: hihg\nSELECT 1", 1, "severity is one of info, low, medium, high, critical, and not 'hihg'"),
        ("-- title: a\n-- serverity: high\nSELECT 1", 2, "serverity: did you mean severity?"),
        ("-- title: a\n-- Severity: high\nSELECT 1", 2, "Severity: did you mean severity?"),
        ("-- fail if: rows > 3\nSELECT 1", 1, "fail if: did you mean fail_if?"),
        ("-- title: a\n-- title: b\nSELECT 1", 2, "a second title: the first is in line 1"),
        ("-- key:\nSELECT 1", 1, "key has no value"),
        ("-- id: ../x\nSELECT 1", 1, "'../x' is no id: letters, digits, '-', '_' and '.', the first no sign"),
        ("-- key: name, pid\nSELECT 1", 1, "key: pid is another one at each start, which makes an old finding new"),
        ("-- key: PID\nSELECT 1", 1, "key: PID is another one at each start, which makes an old finding new"),
        ("-- key: peer_inode\nSELECT 1", 1, "key: peer_inode is another one at each start, which makes an old finding new"),
        ("-- fail_if: more than 3\nSELECT 1", 1, "fail_if is rows, a sign and a number"),
        ("-- fail_if: rows < 0\nSELECT 1", 1, "fail_if: there are never fewer than 0 rows"),
        ("-- param: n integr 3\nSELECT :n", 1, "the type of n is integer, real, text or words"),
        ("-- param: n integer 'x'\nSELECT :n", 1, "the default of n is an integer, and not 'x'"),
        ("-- param: n integer 1\nSELECT 2", 1, "param: its SQL has no :n"),
        ("-- title: a\nSELECT 1,\n  :n", 2, ":n is no parameter"),
        ("-- title: a\n", 1, "there is no statement in it"),
        ("SELECT 1;\nSELECT 2;", 2, "an audit is one statement"),
        ("SELECT 1,\n '\0'", 2, "no SQL has the character"),
    ],
)
def test_a_fault_of_a_file_is_told_with_its_line(text: str, line: int, said: str) -> None:
    [(at, message)] = faults(text)
    assert at == line
    assert said in message


def test_all_faults_of_a_header_are_told_at_once() -> None:
    told = faults("-- severity: bad\n-- key: pid\n-- fail_if: x\n-- mesage: hello\nSELECT 1; SELECT 2")
    assert [line for line, _ in told] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("-- title: a\nSELEC 1", 2, "syntax error"),
        ("-- title: a\n\nSELECT 1\nFROM nowhere", 4, "no such table: nowhere"),
        ("-- title: a\nSELECT\n  pidd FROM processes", 3, "no such column: pidd"),
        ("-- title: a\n-- key: nme\nSELECT name FROM processes", 2, "key: its query has no column nme: did you mean name?"),
        ("-- message: {nme}\nSELECT name FROM processes", 1, "message: its query has no column nme: did you mean name?"),
        ("-- requires: processes.pth\nSELECT 1", 1, "requires: processes has no column pth"),
        ("-- requires: admin\nSELECT 1", 1, "requires: there is no table admin"),
        ("-- title: a\n-- requires: listeners.pth\nSELECT 1", 2, "requires: no such column"),
        ("-- title: a\nCREATE TABLE t (a)", 2, ""),
        ("-- title: a\nSELECT ?", 2, "a parameter without a name has no value"),
    ],
)
def test_what_does_not_compile_is_told_with_its_line(live: Engine, text: str, line: int, said: str) -> None:
    [(at, message)] = wrong(live, text)
    assert at == line
    assert said in message


@pytest.mark.parametrize(
    ("condition", "none", "one", "three"),
    [
        ("rows > 0", 0, 1, 3),
        ("rows > 1", 0, 0, 3),
        ("rows >= 3", 0, 0, 3),
        ("rows = 0", 1, 0, 0),
        ("rows == 3", 0, 0, 3),
        ("rows < 2", 1, 1, 0),
        ("rows <= 1", 1, 1, 0),
        ("rows != 1", 1, 0, 1),
        ("rows <> 1", 1, 0, 1),
    ],
)
def test_fail_if_tells_when_rows_are_findings(condition: str, none: int, one: int, three: int) -> None:
    of = audit(f"-- title: Rows\n-- fail_if: {condition}\nSELECT 1 AS a")

    def counted(rows: int) -> int:
        outcome = runner.Outcome(of, "found", tuple(findings(of, ("a",), [(number,) for number in range(rows)])))
        return len(runner.judged(outcome).findings)

    assert (counted(0), counted(1), counted(3)) == (none, one, three)


def test_a_file_of_windows_with_a_mark_is_read_like_any_other(tmp_path: Path, own: Path) -> None:
    data = b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode()
    for place in (tmp_path / "a.sql", own / "a.sql"):
        put(place).write_bytes(data)
    plain = audit(FULL)
    for found in (find.find([str(tmp_path / "a.sql")]), find.find(["full"])):
        assert found.faults == []
        [one] = found.audits
        assert one._replace(path="", sql="", pack="") == plain._replace(path="", sql="", pack="")


def test_what_is_no_text_is_told_and_the_other_files_are_read(tmp_path: Path) -> None:
    put(tmp_path / "good.sql")
    (tmp_path / "latin.sql").write_bytes(b"SELECT 1;\n-- \xe4\n")
    (tmp_path / "large.sql").write_text("-- " + "x" * (2 << 20))
    (tmp_path / "gone.sql").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.sql")
    found = find.find([str(tmp_path)])
    assert [one.id for one in found.audits] == ["good"]
    assert {(os.path.basename(fault.path), fault.line, fault.message) for fault in found.faults} == {
        ("latin.sql", 2, "it is not UTF-8"),
        ("large.sql", None, "it is larger than 1,048,576 bytes"),
        ("gone.sql", None, "No such file or directory"),
        ("pipe.sql", None, "it is no file"),
    }


def test_a_folder_is_read_with_all_folders_in_it_linked_ones_too_and_each_once(tmp_path: Path) -> None:
    place = tmp_path / "pack"
    put(place / "b.sql")
    put(place / "deep" / "er" / "a.sql")
    put(place / ".hidden.sql", "nothing")
    put(place / ".git" / "c.sql", "nothing")
    put(tmp_path / "elsewhere" / "linked.sql")
    (place / "link").symlink_to(tmp_path / "elsewhere")
    (place / "loop").symlink_to(place)
    (place / "deep" / "up").symlink_to("..")
    (place / "other.txt").write_text("no audit")
    found = find.find([str(place)])
    assert found.faults == []
    assert [(one.id, one.pack) for one in found.audits] == [("b", "pack"), ("a", "er"), ("linked", "link")]


def test_what_lies_too_deep_is_told_and_not_left_out_silently(tmp_path: Path) -> None:
    put(tmp_path.joinpath("pack", *["d"] * 20, "a.sql"))
    [fault] = find.find([str(tmp_path / "pack")]).faults
    assert "folders deep" in fault.message


def test_a_folder_without_an_audit_is_a_fault_and_an_empty_one_of_the_users_own_is_not(tmp_path: Path, own: Path) -> None:
    (tmp_path / "empty").mkdir()
    [fault] = find.find([str(tmp_path / "empty")]).faults
    assert fault.message == "no audit is in it: no file of it ends in .sql"
    own.mkdir(parents=True)
    assert find.named().faults == []


@pytest.mark.root
def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    place = tmp_path / "closed"
    put(place / "a.sql")
    os.chmod(place, 0)
    for above in (tmp_path, *tmp_path.parents[:-2]):
        os.chmod(above, 0o755)
    told = as_nobody(lambda: [fault.message for fault in find.path(str(place)).faults])
    assert len(told) == 1
    assert "Permission denied" in told[0]


def test_a_file_that_is_named_twice_is_one_audit_and_two_files_of_one_id_are_a_fault(tmp_path: Path) -> None:
    first, second = put(tmp_path / "a" / "x.sql"), put(tmp_path / "b" / "x.sql")
    assert find.find([str(first), str(tmp_path / "a"), f"{tmp_path}/a/../a/x.sql"]).faults == []
    found = find.find([str(first), str(second)])
    assert [one.path for one in found.audits] == [str(first)]
    [fault] = found.faults
    assert (fault.path, fault.line) == (str(second), 1)
    assert fault.message == f"a second audit x: the first is {first}:1"


def test_an_own_audit_takes_the_place_of_one_that_comes_along(own: Path) -> None:
    put(own / "sub" / "mine.sql", "-- id: reverse-shell\n-- title: Mine\nSELECT 1 AS a")
    found = find.find(["reverse-shell"])
    assert [(one.title, one.pack) for one in found.audits] == [("Mine", "sub")]
    assert sum(one.id == "reverse-shell" for one in find.named().audits) == 1


def test_a_broken_own_audit_is_told_when_all_or_it_is_run_and_not_when_another_is(own: Path) -> None:
    put(own / "mine.sql", "-- severity: x\nSELECT 1")
    assert len(find.find([]).faults) == 1
    assert len(find.find(["mine"]).faults) == 1
    assert find.find(["reverse-shell"]).faults == []


def test_names_come_before_files_of_the_same_name_that_lie_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "reverse-shell", "SELECT 1 WHERE 0")
    (tmp_path / "exposure").mkdir()
    put(tmp_path / "ours" / "x.sql")
    assert find.find(["reverse-shell"]).audits[0].path.startswith(find.SHIPPED)
    assert len(find.find(["exposure"]).audits) > 10
    assert [one.id for one in find.find(["ours"]).audits] == ["x"]
    assert find.find(["./reverse-shell"]).audits[0].path == "./reverse-shell"


def test_an_unknown_name_is_told_with_what_was_meant() -> None:
    with pytest.raises(find.Unknown, match="no audit or pack is called revers-shell: did you mean reverse-shell"):
        find.find(["revers-shell"])


def test_queries_of_packs_with_one_name_keep_apart(tmp_path: Path) -> None:
    for folder in ("a", "b", "c"):
        put(tmp_path / folder / "pack.conf", '{"queries": {"q": {"query": "SELECT 1", "interval": 1}}}')
    found = find.find([str(tmp_path / folder / "pack.conf") for folder in ("a", "b", "c", "b")])
    assert found.faults == []
    assert [one.id for one in found.audits] == ["q", "pack.q", "pack.q.2"]


@pytest.mark.root
def test_under_sudo_the_own_audits_are_those_of_who_called_it_and_read_with_that_users_rights(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(own / "mine.sql", "-- title: Mine\nSELECT 1 AS a")
    secret = put(tmp_path / "secret", "-- title: Secret\nSELECT 1 AS a")
    os.chmod(secret, 0o600)
    (own / "stolen.sql").symlink_to(secret)
    for above in (own, *own.parents[:-2]):
        os.chmod(above, 0o755)
    monkeypatch.setenv("SUDO_UID", "65534")
    monkeypatch.setenv("SUDO_GID", "65534")
    found = find.named()
    assert "mine" in {one.id for one in found.audits}
    assert [fault.message for fault in found.faults] == ["Permission denied"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("-- title: t\n-- fail_if:rows = 0\nSELECT 1", 2),
        ("-- title: t\n--  fail_if: rows = 0\nSELECT 1", 2),
        ("-- title: t\n--fail_if : rows = 0\nSELECT 1", 2),
        ("/* licence */\n-- fail_if: rows = 0\nSELECT 1", 2),
        ("SELECT 1\n-- fail_if: rows = 0\n", 2),
    ],
)
def test_what_looks_like_a_key_and_was_not_taken_as_one_is_a_fault(text: str, line: int) -> None:
    assert [(fault.line, fault.message) for fault in read(text, "x", "x.sql").faults] == [
        (line, "fail_if: write it as `-- fail_if: VALUE`, at the top")
    ]


def test_an_address_in_a_remark_is_no_key() -> None:
    assert read("-- https://title.example/key:and so on\nSELECT 1", "x", "x.sql").faults == []


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("-- tags attack.T1\nSELECT 1 AS a", 1, "tags"),
        ("-- title: t\n-- key a, b\nSELECT 1 AS a", 2, "key"),
        ("-- title: t\n--      fail_if: rows = 0\nSELECT 1 AS a", 2, "fail_if"),
        ("/*\n * fail_if: rows = 0\n */\nSELECT 1 AS a", 2, "fail_if"),
        ("/* Ours.\n   severity: critical\n*/\nSELECT 1 AS a", 2, "severity"),
    ],
)
def test_a_key_without_its_colon_or_in_the_midst_of_other_words_is_a_fault(text: str, line: int, key: str) -> None:
    assert faults(text) == [(line, f"{key}: write it as `-- {key}: VALUE`, at the top")]


@pytest.mark.parametrize(
    "text",
    [
        "-- key columns are of the table\nSELECT 1 AS a",
        "-- title: t\n-- See https://example.org/fail_if: it tells more.\nSELECT 1 AS a",
        "-- description: Of three\n--   severity levels it has two.\nSELECT 1 AS a\n-- severity levels are below\n",
    ],
)
def test_prose_with_the_word_of_a_key_is_no_fault(text: str) -> None:
    assert audit(text)


def test_a_platform_that_is_no_system_is_a_fault() -> None:
    assert faults("-- title: t\n-- platform: linus\nSELECT 1 AS a") == [
        (2, "platform: there is no linus: did you mean linux?"),
    ]
    assert audit("-- platform: Linux, freebsd14, any\nSELECT 1 AS a").platforms == ("linux", "freebsd14", "any")


def test_two_braces_in_a_message_are_one_that_is_shown() -> None:
    one = audit("-- message: {{a}} is {a}, {{\nSELECT 1 AS a")
    assert one.fields == ["a"]
    [found] = findings(one, ("a",), [(7,)])
    assert found.message == "{a} is 7, {"


def test_a_pattern_names_the_audits_whose_ids_fit() -> None:
    found = find.find(["exposed-d*"])
    assert {one.id for one in found.audits} == {"exposed-database", "exposed-debugger", "exposed-docker-api"}
    with pytest.raises(find.Unknown):
        find.find(["nothing-like-it-*"])
