"""osqueryi's flags, errors, exit statuses and commands."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import ENDLESS, RUN, command


def osqueryi(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return command("osqueryi", *arguments, **options)


def said(*arguments: str, **options: Any) -> tuple[int, str, str]:
    """The exit status, standard output, and standard error without what could not be seen."""
    done = osqueryi(*arguments, **options)
    return (
        done.returncode,
        done.stdout,
        "".join(line for line in done.stderr.splitlines(True) if not line.startswith("sqlports:")),
    )


@pytest.mark.parametrize(
    "flags",
    [
        ("--json",),
        ("-json",),
        ("--json=true",),
        ("--json=1",),
        ("-json=Yes",),
        ("--nocsv", "--json"),
        ("--csv", "--csv=f", "--json"),
    ],
)
def test_a_flag_that_is_on_or_off_is_given_as_gflags_takes_it(flags: tuple[str, ...]) -> None:
    assert said(*flags, "select 0") == (0, '[\n  {"0":"0"}\n]\n', "")


@pytest.mark.parametrize("flags", [("--separator", ","), ("-separator=,",), ("--separator=,",), ("-separator", ",")])
def test_a_flag_with_a_value_stands_before_the_query_or_behind_it(flags: tuple[str, ...]) -> None:
    assert said("--list", *flags, "select 1, 2") == said("select 1, 2", "--list", *flags) == (0, "1,2\n1,2\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--bogus",), "ERROR: unknown command line flag 'bogus'"),
        (("--nobogus=1",), "ERROR: unknown command line flag 'nobogus'"),
        (("--json=maybe",), "ERROR: illegal value 'maybe' specified for bool flag 'json'"),
        (("--profile", "x"), "ERROR: illegal value 'x' specified for int32 flag 'profile'"),
        (("--query",), "ERROR: flag 'query' is missing its argument"),
        (("--noseparator",), "ERROR: boolean value (noseparator) specified for string command line flag"),
        (("--connect", "/x.em"), "ERROR: flag 'connect' is not for this shell"),
        (("--extension", "/x.ext"), "ERROR: flag 'extension' is not for this shell"),
        (("--b", "--a"), "ERROR: unknown command line flag 'a'\nERROR: unknown command line flag 'b'"),
    ],
)
def test_a_wrong_flag_is_told_in_gflags_words_and_nothing_runs(arguments: tuple[str, ...], message: str) -> None:
    status, out, err = said(*arguments, *(() if arguments == ("--query",) else ("SELECT 1",)))
    assert (status, out) == (1, "")
    assert err.startswith(message)


def test_behind_two_dashes_nothing_is_a_flag() -> None:
    assert said("--list", "--", "-- a comment\nselect 1")[:2] == (0, "1\n1\n")


def test_flags_of_osquery_that_mean_nothing_here_are_accepted() -> None:
    arguments = ("--disable_events", "--database_path=/x", "--ephemeral", "--logger_path", "/x", "--nodisable_audit", "-S")
    assert said(*arguments, "--table_delay=5", "--json", "select 0") == (0, '[\n  {"0":"0"}\n]\n', "")


def test_help_and_version() -> None:
    assert said("--version") == (0, "osqueryi version 5.23.0\n", "")
    for word in ("--help", "-h", "-help"):
        status, out, err = said("--json", word)
        assert (status, err) == (0, "")
        assert "--json_pretty" in out
    assert "sqlports osqueryi --help" in command("help", "osqueryi").stdout
    assert "osqueryi stands first" in command("--json", "osqueryi", "SELECT 1").stderr
    found = command("completion", "words", "bash", input="osqueryi\0--js\0").stdout
    assert [line.split("\t")[0] for line in found.splitlines()] == ["--json", "--json_pretty"]


def test_a_file_of_flags_comes_before_those_of_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "flags"
    path.write_text("# a comment\n--list\n--separator=;\n--nullvalue=none\n")
    assert said("--flagfile", str(path), "--separator=,", "select 1, null") == (0, "1,null\n1,none\n", "")


@pytest.mark.parametrize(
    ("sql", "status", "message"),
    [
        ("foo", 1, 'near "foo": syntax error'),
        ("SELECT * FROM nowhere", 1, "no such table: nowhere"),
        ("SELECT nobody FROM processes", 1, "no such column: nobody"),
        ("SELECT nobody(1)", 1, "no such function: nobody"),
        ("SELECT 1 WHERE", 1, "incomplete input"),
        ("ATTACH 'x' AS y", 23, "not authorized"),
        ("PRAGMA writable_schema = 1", 23, "not authorized"),
        ("CREATE TABLE t(a); CREATE INDEX i ON t(a)", 23, "not authorized"),
    ],
)
def test_an_error_is_sqlites_with_its_code_as_the_status(sql: str, status: int, message: str) -> None:
    assert said(sql) == (status, "", f"Error: {message}\n")
    assert said("--json", sql) == (status, "[\n\n]\n", f"Error: {message}\n")


def test_what_came_before_an_error_is_written() -> None:
    assert said("--json", "SELECT 1 AS a; SELECT b") == (1, '[\n  {"a":"1"}\n]\n', "Error: no such column: b\n")


def test_a_column_that_has_to_be_given_is_told_as_osquery_logs_it() -> None:
    status, out, err = said("--json", "SELECT * FROM file")
    text = "Table file was queried without a required column in the WHERE clause"
    assert (status, out) == (19, "[\n\n]\n")
    lines = err.splitlines()
    assert re.fullmatch(rf"W\d{{4}} \d\d:\d\d:\d\d\.\d{{6}} +\d+ \S+\] {text}", lines[0])
    assert lines[1].endswith("] Please see the table documentation: https://osquery.io/schema/#file")
    assert lines[2] == f"Error: {text}"


def test_tables_and_views_of_ones_own_live_in_memory() -> None:
    sql = "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 2); UPDATE t SET b = 3"
    assert said(
        "--list",
        f"{sql}; CREATE VIEW v AS SELECT b FROM t; SELECT * FROM v; DROP VIEW v; DELETE FROM t; DROP TABLE t; SELECT 5",
    ) == (
        0,
        "b\n3\n5\n5\n",
        "",
    )
    for wrong in ("CREATE TABLE processes(a)", "INSERT INTO processes(pid) VALUES (1)", "DROP TABLE processes"):
        assert said(wrong)[0] != 0


def test_a_parameter_is_null_and_a_text_in_double_quotes_a_text() -> None:
    assert said("--list", "--header=0", 'SELECT :x IS NULL, "a text"') == (0, "1|a text\n", "")
    assert "a text" in osqueryi("--verbose", 'SELECT "a text"').stderr


def test_a_script_from_a_pipe_goes_on_behind_errors_and_tells_their_lines() -> None:
    script = "select 1 as a;\nselect\n  foo;\n\n-- nothing\n.mode list\nbar;\nselect 2 as b\n"
    status, out, err = said(input=script)
    assert out == "+---+\n| a |\n+---+\n| 1 |\n+---+\nb\n2\n"
    assert err == 'Error: near line 2: no such column: foo\nError: near line 7: near "bar": syntax error\n'
    assert status == 1
    assert said("--list", input="select 1;\r\nselect 2;") == (0, "1\n1\n2\n2\n", "")
    assert said(input="") == (0, "", "")


def test_bail_ends_a_script_at_its_first_error() -> None:
    assert said(input=".bail on\nfoo;\nselect 1;\n") == (1, "", 'Error: near line 2: near "foo": syntax error\n')


def test_the_flags_that_are_questions(tmp_path: Path) -> None:
    listed = said("-L")
    assert listed == said("--L") == said(".tables") == said(".list")
    assert listed[1].startswith("  => ")
    assert "  => processes\n" in listed[1]
    assert said(".tables osquery_i") == (0, "  => osquery_info\n", "")
    assert json.loads(osqueryi("--json", "-A", "osquery_info").stdout)[0]["version"] == "5.23.0"
    assert said("-A", "bad") == said(".all bad") == (1, "", "Error querying table: bad\n")
    assert said("--list", "--query", "select 1") == (0, "1\n1\n", "")
    (tmp_path / "q.sql").write_text("select 1;\nselect 2")
    assert said("--list", f"--query_file={tmp_path / 'q.sql'}") == (0, "1\n1\n2\n2\n", "")
    assert said("--query_file=/no/such/file")[0] == 1
    assert said("--profile", "3", "select 1") == (0, "", "")
    assert said("--profile=2", "foo") == (1, "", 'Query failed (1): near "foo": syntax error\n')
    assert said("--profile=1", input="select 1\n") == (0, "", "")
    assert "osquery planner: " in osqueryi("--planner", "SELECT pid FROM processes").stderr


def test_tables_may_be_taken_away() -> None:
    assert said("--disable_tables=users,listening_ports", "SELECT * FROM users") == (1, "", "Error: no such table: users\n")
    assert said("--disable_tables=users,listening_ports", "SELECT pid FROM listening_ports")[0] == 1
    assert said("--disable_tables=users", "-L")[1].find("=> users\n") < 0
    assert said("--disable_tables=users", "SELECT count(*) FROM users") == (1, "", "Error: no such table: users\n")
    # A view has what it is made of, which is not there for others.
    assert said("--enable_tables=listening_ports", "SELECT count(*) AS n FROM listening_ports")[0] == 0
    assert said("--enable_tables=listening_ports", "SELECT 1 FROM sockets") == (1, "", "Error: no such table: sockets\n")
    assert said("--enable_tables=users,groups", ".tables") == (0, "  => groups\n  => users\n", "")


@pytest.mark.parametrize(
    ("line", "out", "err"),
    [
        (".print 'a  b' \"c\\td\" e\\\\f", "a  b c\td e\\f\n", ""),
        (".x", "", 'Error: unknown command or invalid arguments:  "x". Enter ".help" for help\n'),
        (".all", "", 'Error: unknown command or invalid arguments:  "all". Enter ".help" for help\n'),
        (".types select 1;", "", 'Error: unknown command or invalid arguments:  "types". Enter ".help" for help\n'),
        (".mode json", "", "Error: mode should be one of: column csv line list pretty\n"),
        (".echo maybe", "", 'ERROR: Not a boolean value: "maybe". Assuming "no".\n'),
        (".disconnect", "", "Error: Not connected to a socket\n"),
        (".socket", "\n", ""),
        (".timeout 5", "", ""),
    ],
)
def test_a_command_on_the_command_line(line: str, out: str, err: str) -> None:
    assert said(line) == (int(err.startswith("Error")), out, err)


def test_commands_change_how_results_are_written() -> None:
    script = """.mode csv
select 1 as a, 'b,c' as b;
.head off
.sep ;
.nullv none
select 1, null;
.m line
.echo on
select 2 as a;
.mode pretty
"""
    status, out, err = said(input=script)
    assert (status, err) == (0, "")
    assert out == 'a,b\n1,"b,c"\n1;none\nselect 2 as a;\n    a = 2\n.mode pretty\n'


def test_commands_that_tell() -> None:
    assert re.fullmatch(r"osquery 5\.23\.0\nusing SQLite 3\.\S+\n", said(".v")[1])
    status, out, err = said(".help")
    assert (status, out) == (0, "")
    assert all(f"\n.{name}" in err for name in ("all", "bail", "mode", "schema", "tables", "types", "width"))
    shown = said(".show", "--json", "--separator=\t")[1]
    assert re.search(r"\n +mode: pretty\n", shown)
    assert '    separator: "\\t"\n' in shown
    assert "\n  json: true\n" in shown
    assert said(".summ")[0] == 0
    assert "disable_events: true\n" in said(".features")[1]
    schema = said(".schema user_g")[1]
    assert schema == "CREATE TABLE user_groups(`uid` BIGINT, `gid` BIGINT);\n"
    assert "`uuid` TEXT COLLATE NOCASE" in said(".schema users")[1]
    assert "`denylisted` INTEGER" in said(".schema osquery_schedule")[1]
    typed = said("--csv", input=".types select pid, name, 1 + 1 as x\n from processes;\n")[1]
    assert typed == "name|type\npid|BIGINT\nname|TEXT\nx|UNKNOWN\n"
    timed = said("--list", input=".timer on\nselect 1;\n")[1]
    assert re.fullmatch(r"1\n1\nRun Time: real \d+\.\d{3} user \d+\.\d{6} sys \d+\.\d{6}\n", timed)


@pytest.mark.parametrize(("line", "status"), [(".exit", 0), (".quit", 0), (".exit 7", 7), (".q", 0), (".exit 0x10", 16)])
def test_leaving(line: str, status: int) -> None:
    assert said(input=f"{line}\nselect 1;\n") == (status, "", "")
    assert said(line) == (status, "", "")


CONFIG = """{
  // a comment
  "schedule": {"b": {"query": "SELECT 2 AS b", "interval": 60}, "bad": {"query": "SELECT 1", "interval": 0}},
  "packs": {
    "p": {"queries": {"two": {"query": "SELECT 2 AS n", "interval": "30"}, "one": {"query": "SELECT 1 AS n", "interval": 60},
                      "mac": {"query": "SELECT 3", "interval": 60, "platform": "darwin,windows"}},
          "discovery": ["SELECT 1"], "version": "1.4.0", "platform": "all"},
    "not": {"queries": {"x": {"query": "SELECT 9"}}, "discovery": ["SELECT 1 WHERE 0"]},
    "new": {"queries": {"x": {"query": "SELECT 9"}}, "version": "9999.0.0"},
    "far": "FOLDER/far.conf"
  }
}"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "far.conf").write_text('{"queries": {"y": {"query": "SELECT 4 AS y"}}}')
    path = tmp_path / "osquery.conf"
    path.write_text(CONFIG.replace("FOLDER", str(tmp_path)))
    return f"--config_path={path}"


def test_the_configuration_is_in_tables(config: str) -> None:
    rows = json.loads(osqueryi(config, "--json", "SELECT name, active, version FROM osquery_packs ORDER BY name").stdout)
    assert [(row["name"], row["active"]) for row in rows] == [
        ("far", "1"),
        ("main", "1"),
        ("new", "0"),
        ("not", "0"),
        ("p", "1"),
    ]
    sql = "SELECT name, interval, query, blacklisted FROM osquery_schedule ORDER BY name"
    assert said(config, "--list", "--header=0", sql)[1].splitlines() == [
        "b|60|SELECT 2 AS b|0",
        "pack_far_y|3600|SELECT 4 AS y|0",
        "pack_p_one|60|SELECT 1 AS n|0",
        "pack_p_two|30|SELECT 2 AS n|0",
    ]
    named = said(
        config, "--list", "--header=0", "--pack_delimiter=/", "SELECT name FROM osquery_schedule WHERE name LIKE 'pack%'"
    )
    assert "pack/p/one" in named[1].splitlines()
    [info] = json.loads(osqueryi(config, "--json", "SELECT * FROM osquery_info").stdout)
    assert (info["config_valid"], info["build_platform"], info["watcher"]) == ("1", "sqlports", "-1")
    assert re.fullmatch("[0-9a-f]{40}", info["config_hash"])


def test_a_pack_is_run(config: str) -> None:
    assert said(config, "--list", "--pack", "p") == (0, "n\n1\nn\n2\n", "")
    status, out, err = said(config, "--pack", "nothing")
    assert (status, out) == (0, "")
    assert "nothing was run: the pack nothing is not in" in err
    assert "is not for this machine" in said(config, "--pack=new")[2]


def test_a_query_of_a_pack_that_fails_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_text('{"packs": {"p": {"queries": {"a": {"query": "SELECT foo"}, "b": {"query": "SELECT 1"}}}}}')
    status, out, err = said(f"--config_path={path}", "--pack=p")
    assert (status, out) == (1, "")
    assert err == "Error: no such column: foo\nCould not execute query a: SELECT foo\n"


def test_the_configuration_is_checked_and_written(config: str, tmp_path: Path) -> None:
    assert said(config, "--config_check") == (0, "", "")
    path = tmp_path / "osquery.conf"
    assert said(config, "--config_dump") == (0, f'{{"{path}": {path.read_text()}}}\n', "")
    path.write_text("{")
    for wrong in (config, "--config_path=/no/such/file"):
        status, out, err = said(wrong, "--config_check")
        assert (status, out) == (1, "")
        assert "Error reading config: " in err
    assert said("--config_plugin=tls", "--config_check")[0] == 78
    # A shell without its configuration is still a shell.
    status, out, err = said(config, "--list", "SELECT config_valid FROM osquery_info")
    assert (status, out) == (0, "config_valid\n0\n")
    assert "Error reading config: " in err


def test_flags_are_a_table() -> None:
    sql = "SELECT name, type, default_value, value, shell_only FROM osquery_flags"
    rows = said(
        "--list", "--header=0", "--nojson", f"{sql} WHERE name IN ('json', 'config_path', 'header', 'A') ORDER BY name"
    )[1].splitlines()
    assert rows == [
        "config_path|string|/etc/osquery/osquery.conf|/etc/osquery/osquery.conf|0",
        "header|bool|true|false|1",
        "json|bool|false|false|1",
    ]


def test_what_could_not_be_seen_is_never_among_the_data(config: str) -> None:
    done = osqueryi("--json", "SELECT count(*) AS n FROM process_open_sockets")
    assert len(json.loads(done.stdout)) == 1
    assert all(line.startswith("sqlports: ") for line in done.stderr.splitlines())


def test_a_closed_pipe_ends_it_quietly() -> None:
    sql = "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n LIMIT 200000) SELECT i FROM n"
    arguments = [*RUN, "osqueryi", "--csv", sql]
    with subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"i\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_ctrl_c_ends_a_statement_of_the_command_line() -> None:
    arguments = [*RUN, "osqueryi", "--list", f"SELECT 1 AS begun; {ENDLESS}"]
    with subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        # What is there already does not wait for the rest.
        assert [process.stdout.readline() for _ in range(2)] == [b"begun\n", b"1\n"]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stdout.read() == b""
        assert process.stderr.read() == b"Error: interrupted\n"
