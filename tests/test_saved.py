"""Saved queries: their headers, their parameters, their files."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlports.queries import header, parameters, saved
from sqlports.queries.parameters import Parameter, ParameterError

from .conftest import ROOT, as_nobody

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="permissions, links and pipes as Unix has them")


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's own folder of queries."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    place = tmp_path / "sqlports" / "queries"
    place.mkdir(parents=True)
    return place


def keep(own: Path, name: str, text: str | bytes) -> Path:
    path = own / f"{name}.sql"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_no_name_in_the_folder_forges_a_line_among_the_faults(own: Path) -> None:
    (own / "a\nb.sql").write_text("SELECT 1")
    Path(os.fsdecode(os.fsencode(own) + b"/c\xff.sql")).write_text("SELECT 1")
    faults = saved.queries()[1]
    assert faults == [f"{own}/{name}.sql: no query can have this name" for name in ("a\\nb", "c\\xff")]


# The header.


def test_a_header_has_keys_values_that_go_on_and_the_lines_they_are_in() -> None:
    read = header.parse(
        "\ufeff-- A remark: of more than one word\n"
        "-- title: Who holds a port?\n"
        "-- description: One line\n--   and another.\n--\n--   A paragraph.\n"
        "\n"
        "-- param: port integer The port.\n-- param name text\n"
        "-- references: https://one\n--   https://two\n"
        "-- false-positives: none\r\n"
        "SELECT 1 -- late: no field\n-- later: no field\n"
    )
    assert [(field.key, field.line) for field in read.fields] == [
        ("title", 2),
        ("description", 3),
        ("param", 8),
        ("param", 9),
        ("references", 10),
        ("false_positives", 12),
    ]
    assert read.one("description") == "One line and another.\n\nA paragraph."
    assert [field.value for field in read.all("references")] == ["https://one\nhttps://two"]
    assert [field.text for field in read.all("param")] == ["port integer The port.", "name text"]
    assert read.one("false_positives") == "none"
    assert read.faults == []


def test_an_audits_keys_are_in_order_though_a_query_has_none_of_them() -> None:
    read = header.parse(
        "-- id: open-db\n-- title: A database is open\n-- severity: high\n-- key: proto, lport\n"
        "-- tags: network, attack.T1571\n"
        "-- message: {name} (pid {pid}) listens on {laddr}:{lport}\n-- fail_if: rows > 0\nSELECT 1"
    )
    assert (read.one("severity"), read.one("fail_if"), read.faults) == ("high", "rows > 0", [])
    assert (read.words("tags"), read.words("key")) == (("network", "attack.T1571"), ("proto", "lport"))


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("-- Who listens?\n-- On which port?\n\nSELECT 1", "Who listens? On which port?"),
        ("-- One.\n--\n-- Two.\nSELECT 1", "One."),
        ("-- 'replaced': a word in quotes\nSELECT 1", "'replaced': a word in quotes"),
        ("-- see https://example.org\nSELECT 1", "see https://example.org"),
        ("-- https://example.org\nSELECT 1", "https://example.org"),
        ("/* title: no */ SELECT 1", ""),
        ("SELECT 1\n-- title: no", ""),
        ("", ""),
    ],
)
def test_comments_that_are_no_fields_are_a_remark(text: str, remark: str) -> None:
    read = header.parse(text)
    assert (read.fields, read.remark, read.faults) == ([], remark, [])


def test_all_faults_of_a_file_are_told_at_once_with_their_lines() -> None:
    text = (
        "-- title:\n-- title: Two\n-- param: port number\n-- param: port integer abc'\n-- param: sort a|b 'c'\n"
        "-- param: 1a text\n"
        "-- param: unused text\n-- param: n text 5\nSELECT :port, :sort, :n"
    )
    with pytest.raises(saved.SavedError) as raised:
        saved.read(text, "x", "/q/x.sql")
    said = str(raised.value)
    for part in (
        "/q/x.sql: line 1: title has no value; line 2: a second title: the first is in line 1",
        "line 3: param: the type of port is integer, real, text or words as in tcp|udp, and not 'number'",
        "line 5: param: the default of sort is one of a, b, and not 'c'",
        "line 6: param: '1a' is no name of a parameter",
        "line 7: param: its SQL has no :unused",
        "line 8: param: the default of n is text: write it as '5'",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-- title: x\n", "there is no statement"),
        ("", "there is no statement"),
        (";;", "there is no statement"),
        ("SELECT '\0'", "line 1: no SQL has the character"),
        ("-- param: a text\n-- param: a text\nSELECT :a", "line 2: param: a second a"),
    ],
)
def test_what_is_no_query_is_told(text: str, said: str) -> None:
    with pytest.raises(saved.SavedError, match=said):
        saved.read(text, "x", "x.sql")


# Its parameters.


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("port integer", Parameter("port", "integer")),
        ("port integer The port.", Parameter("port", "integer", doc="The port.")),
        ("port integer 80 The port.", Parameter("port", "integer", (), 80, False, "The port.")),
        ("port integer -80", Parameter("port", "integer", (), -80, False)),
        ("port integer NULL The port.", Parameter("port", "integer", (), None, False, "The port.")),
        ("share real .5", Parameter("share", "real", (), 0.5, False)),
        ("share real 1", Parameter("share", "real", (), 1.0, False)),
        ("name text 'it''s so' A name.", Parameter("name", "text", (), "it's so", False, "A name.")),
        ("name text ''", Parameter("name", "text", (), "", False)),
        ("name text NULLs are left out", Parameter("name", "text", doc="NULLs are left out")),
        ("sort pid|port port The order.", Parameter("sort", "word", ("pid", "port"), "port", False, "The order.")),
        ("sort pid|port 'port'", Parameter("sort", "word", ("pid", "port"), "port", False)),
        ("sort pid|port Port first", Parameter("sort", "word", ("pid", "port"), doc="Port first")),
    ],
)
def test_a_parameter_is_declared_by_its_name_type_default_and_doc(text: str, parameter: Parameter) -> None:
    assert parameters.declared(header.Field("param", text, 1)) == parameter


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (Parameter("n", "integer"), "80", 80),
        (Parameter("n", "integer"), "-9223372036854775808", -(2**63)),
        (Parameter("n", "integer"), "007", 7),
        (Parameter("n", "real"), "1e3", 1000.0),
        (Parameter("n", "text"), "NULL", "NULL"),
        (Parameter("n", "text"), "007", "007"),
        (Parameter("n", "text", (), None, False), "NULL", None),
        (Parameter("n", "word", ("tcp", "udp")), "TCP", "tcp"),
        (Parameter("n", "any"), "007", "007"),
        (Parameter("n", "any"), "7", 7),
        (Parameter("n", "any"), "1.5", 1.5),
    ],
)
def test_a_value_has_its_parameters_type(parameter: Parameter, text: str, value: object) -> None:
    found = parameter.value(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("parameter", "text", "said"),
    [
        (Parameter("n", "integer"), "", "n takes an integer, and not ''"),
        (Parameter("n", "integer"), "1.5", "an integer"),
        (Parameter("n", "integer"), "9223372036854775808", "an integer"),
        (Parameter("n", "integer"), "9" * 5000, "an integer"),
        (Parameter("n", "integer"), "٣", "an integer"),
        (Parameter("n", "integer"), "NULL", "an integer"),
        (Parameter("n", "real"), "nan", "a number"),
        (Parameter("n", "real"), "1e999", "a number"),
        (Parameter("n", "word", ("tcp", "udp")), "tpc", r"one of tcp, udp \(did you mean tcp\?\), and not 'tpc'"),
        (Parameter("n", "word", ("tcp", "udp")), "", "one of tcp, udp, and not ''"),
    ],
)
def test_a_value_of_another_type_is_refused(parameter: Parameter, text: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        parameter.value(text)


PORT, SORT, NAME = Parameter("port", "integer"), Parameter("sort", "word", ("a", "b"), "a", False), Parameter("my_name", "text")


def test_parameters_are_given_by_name_or_in_their_order() -> None:
    of = [PORT, SORT, NAME]
    wanted = {"port": 80, "sort": "b", "my_name": "x"}
    assert parameters.bind(of, ["80", "b", "x"], []) == wanted
    assert parameters.bind(of, [], [("my-name", "x"), ("sort", "b"), ("port", "80")]) == wanted
    assert parameters.bind(of, ["80", "x"], [("sort", "b")]) == wanted
    assert parameters.bind(of, ["80"], [("my_name", "x")]) == {**wanted, "sort": "a"}


@pytest.mark.parametrize(
    ("words", "named", "said"),
    [
        ([], [], r"it needs port \(INTEGER\) and my_name \(TEXT\)"),
        (["80", "a", "x", "y"], [], "'y' is one too many: it takes port, sort, my_name"),
        (["80"], [("port", "80")], "sort takes one of a, b"),
        ([], [("port", "1"), ("port", "1")], "port is given twice"),
        ([], [("prot", "1")], r"there is no parameter prot: did you mean port\?"),
    ],
)
def test_parameters_that_are_wrong_together(words: list[str], named: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        parameters.bind([PORT, SORT, NAME], words, named)


def test_what_the_sql_names_and_the_header_does_not_declare_must_be_given(own: Path) -> None:
    keep(own, "x", "-- param: a integer 1\nSELECT :b, :a, $c, @b, ':no', \":no\" -- :no\n; SELECT :d")
    assert [(p.name, p.type, p.required) for p in saved.find("x").parameters] == [
        ("a", "integer", False),
        ("b", "any", True),
        ("c", "any", True),
        ("d", "any", True),
    ]


# Its file.


def test_a_file_without_a_header_is_a_query_and_its_first_comment_what_it_tells(own: Path) -> None:
    keep(own, "plain", "SELECT 1")
    keep(own, "said", "-- Who is there? It tells all.\n-- And more.\nSELECT 1")
    assert saved.find("plain").title == "plain.sql, which says nothing of itself."
    assert (saved.find("said").title, saved.find("said").details) == ("Who is there?", "It tells all. And more.")


def test_the_users_query_is_found_before_one_that_comes_along(own: Path) -> None:
    assert not saved.find("listening").own
    keep(own, "listening", "SELECT 'mine'")
    assert (saved.find("listening").own, saved.find("listening").sql) == (True, "SELECT 'mine'")
    assert saved.names().count("listening") == 1


def test_an_unknown_name_is_told_with_the_one_that_was_meant(own: Path) -> None:
    with pytest.raises(saved.SavedError, match=r"no saved query has the name listning \(did you mean listening\?\)"):
        saved.find("listning")
    with pytest.raises(saved.SavedError, match=r"-f \./x\.sql"):
        saved.find("./x.sql")


def test_files_that_cannot_be_queries_are_told_and_the_others_work(own: Path) -> None:
    keep(own, "good", "SELECT 1")
    keep(own, "empty", "")
    keep(own, "latin", b"SELECT '\xe9'")
    keep(own, "large", b"-- " + b"x" * (1 << 20) + b"\nSELECT 1")
    keep(own, "-dash", "SELECT 1")
    keep(own, "esc\x1b[31m", "SELECT 1")
    keep(own, ".hidden", "SELECT 1")
    (own / "directory.sql").mkdir()
    (own / "notes.txt").write_text("no query")
    os.mkfifo(own / "pipe.sql")
    (own / "gone.sql").symlink_to(own / "nowhere")
    found, faults = saved.queries()
    assert {query.name for query in found if query.own} == {"good"}
    for part in (
        "empty.sql: line 1: there is no statement",
        "latin.sql: it is not UTF-8",
        "large.sql: it is larger",
        "-dash.sql: no query can have this name",
        "31m.sql: no query can have this name",
        "directory.sql: it is no file",
        "pipe.sql: it is no file",
        "gone.sql: No such file",
    ):
        assert any(part in fault for fault in faults), part
    assert len(faults) == 8


def test_without_a_folder_there_is_what_comes_along(own: Path) -> None:
    own.rmdir()
    found, faults = saved.queries()
    assert (bool(found), faults) == (True, [])
    own.write_text("a file where the folder is to be")
    found, faults = saved.queries()
    assert (bool(found), len(faults)) == (True, 1)


@pytest.mark.root
def test_a_folder_that_may_not_be_read_is_told(own: Path, tmp_path: Path) -> None:
    keep(own, "secret", "SELECT 1")
    for place in (own, *own.parents):
        if str(place).startswith(str(tmp_path.parent)):
            place.chmod(0o711)
    own.chmod(0)

    def look() -> list[object]:
        found, faults = saved.queries()
        return [bool(found), faults]

    some, faults = as_nobody(look, saved.queries)
    assert some
    assert len(faults) == 1
    assert "Permission denied" in faults[0]


def test_a_link_to_a_file_elsewhere_is_followed(own: Path, tmp_path: Path) -> None:
    (tmp_path / "dotfiles").write_text("SELECT 'linked'")
    (own / "linked.sql").symlink_to(tmp_path / "dotfiles")
    assert saved.find("linked").sql == "SELECT 'linked'"


# Saving.


def test_what_is_saved_is_found_and_private(own: Path) -> None:
    own.rmdir()
    own.parent.rmdir()
    kept = saved.save("mine", "SELECT 'ü'")
    assert kept == saved.Kept(str(own / "mine.sql"), False, False)
    assert (own / "mine.sql").read_text() == "SELECT 'ü'\n"
    assert stat.S_IMODE((own / "mine.sql").stat().st_mode) == 0o600
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert saved.find("mine").sql == "SELECT 'ü'\n"
    assert os.listdir(own) == ["mine.sql"]


def test_saving_says_what_it_replaces_and_what_it_hides(own: Path) -> None:
    assert saved.save("mine", "SELECT 1") == saved.Kept(str(own / "mine.sql"), False, False)
    assert saved.save("mine", "SELECT 2") == saved.Kept(str(own / "mine.sql"), True, False)
    assert saved.save("listening", "SELECT 3") == saved.Kept(str(own / "listening.sql"), False, True)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/x", "a/b", ".x", "-x", "a b", "a\nb", "a\x1b[31m", "a\0", "x" * 65, "\u202ex", "_x"]
)
def test_a_hostile_name_is_refused(own: Path, name: str) -> None:
    with pytest.raises(saved.SavedError, match="no name for a query"):
        saved.save(name, "SELECT 1")
    assert os.listdir(own) == []


def test_what_is_no_query_is_not_saved(own: Path) -> None:
    for text in ("", "-- only a comment", "-- param: x nothing\nSELECT :x"):
        with pytest.raises(saved.SavedError):
            saved.save("x", text)
    assert os.listdir(own) == []


@pytest.mark.skipif(ROOT, reason="root may write all")
def test_what_cannot_be_written_leaves_the_old_one(own: Path) -> None:
    saved.save("mine", "SELECT 1")
    own.chmod(0o500)
    with pytest.raises(OSError, match="Permission"):
        saved.save("mine", "SELECT 2")
    own.chmod(0o700)
    assert saved.find("mine").sql == "SELECT 1\n"


@pytest.mark.root
def test_under_sudo_a_query_belongs_to_who_called_it(
    own: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = own.parent.parent
    for above in (place, *place.parents):
        if above != Path("/") and above != Path("/tmp"):
            above.chmod(above.stat().st_mode | 0o011)
    for path in (place, own.parent, own):
        os.chown(path, 65534, 65534)
    monkeypatch.setenv("SUDO_UID", "65534")
    monkeypatch.setenv("SUDO_GID", "65534")
    kept = saved.save("mine", "SELECT 1")
    found = os.stat(kept.path)
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (65534, 0o600)
    assert saved.find("mine").sql == "SELECT 1\n"
    secret = place.parent / "secret"
    secret.write_text("SELECT 'secret'")
    secret.chmod(0o600)
    (own / "trap.sql").symlink_to(secret)
    with pytest.raises(saved.SavedError, match="Permission denied"):
        saved.find("trap")
