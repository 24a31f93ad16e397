"""`sqlports run`, and the prompt's .run, .queries and .save; what help says; what is said to those who leave out `run`."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlports.commands import COMMANDS
from sqlports.options import make_parser

from .conftest import RUN, UNSAFE, command

if sys.platform != "win32":
    from .terminal import Terminal


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder of queries, for commands and, beside the prompt's other files, for the prompt."""
    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "state"))
    place = tmp_path / "state" / "sqlports" / "queries"
    place.mkdir(parents=True)
    return place


PAIR = """\
-- title: Two numbers and a word.
-- description: A query of a test.
-- param: first integer The first.
-- param: second_one integer 2 The second.
-- param: word red|green NULL A colour.
-- tags: testing
SELECT :first AS first, :second_one AS second, :word AS word;
"""


@pytest.fixture
def pair(own: Path) -> Path:
    path = own / "pair.sql"
    path.write_text(PAIR)
    return path


@pytest.fixture
def listener() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made.getsockname()[1]


@pytest.mark.parametrize(
    ("arguments", "row"),
    [
        (("--first", "1"), [1, 2, None]),
        (("--first=1", "--second-one=5"), [1, 5, None]),
        (("1",), [1, 2, None]),
        (("1", "5", "red"), [1, 5, "red"]),
        (("1", "--word", "green"), [1, 2, "green"]),
        (("--word", "green", "1", "5"), [1, 5, "green"]),
        (("-p", "first=1", "-p", "second_one=007"), [1, 7, None]),
        (("--first", "-1", "--word", "RED"), [-1, 2, "red"]),
        (("--first", "1", "--word", "NULL"), [1, 2, None]),
    ],
)
@pytest.mark.usefixtures("pair")
def test_parameters_are_options_words_in_their_order_or_pairs(arguments: tuple[str, ...], row: list[object]) -> None:
    done = command("run", "pair", *arguments, "--jsonl")
    assert (done.stderr, list(json.loads(done.stdout).values())) == ("", row)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "nosuch"), "no saved query has the name nosuch (sqlports run lists them)"),
        (("run", "pari"), "did you mean pair?"),
        (("run", "--first", "1", "pair"), "sqlports run pair: its parameters stand behind its name"),
        (("run", "../pair"), "no saved query has the name ../pair"),
        (("run", "pair"), "pair: it needs first (INTEGER)"),
        (("run", "pair", "one"), "pair: first takes an integer, and not 'one'"),
        (("run", "pair", "--first", "1.5"), "first takes an integer"),
        (("run", "pair", "1", "2", "blue"), "word takes one of red, green, and not 'blue'"),
        (("run", "pair", "1", "2", "red", "4"), "'4' is one too many: it takes first, second_one, word"),
        (("run", "pair", "1", "--frist", "1"), "pair has no --frist: did you mean --first?"),
        (("run", "pair", "1", "-p", "frist=1"), "there is no parameter frist: did you mean first?"),
        (("run", "pair", "--first"), "expected one argument"),
        (("run", "pair", "\x1b[31m"), "first takes an integer"),
        (("run", "\x1b[31m"), "no saved query"),
        (("run", "\udcff"), "no saved query"),
        (("run", "bad"), "bad.sql: line 1: param: the type of x"),
        (("run", "--watch", "1"), "--watch is for SQL"),
        (("run", "pair", "1", "--mode", "nonsense"), "invalid choice"),
    ],
)
@pytest.mark.usefixtures("pair")
def test_wrong_usage_is_status_2_and_told(own: Path, arguments: tuple[str, ...], said: str) -> None:
    (own / "bad.sql").write_text("-- param: x number\nSELECT :x")
    done = command(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not UNSAFE.search(done.stderr)
    assert "fault in sqlports" not in done.stderr


@pytest.mark.usefixtures("pair")
def test_all_that_goes_with_sql_goes_with_a_named_query(own: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert command("run", "pair", "1", "--csv", "-o", str(out)).returncode == 0
    assert list(csv.reader(out.read_text().splitlines())) == [["first", "second", "word"], ["1", "2", ""]]
    assert command("--csv", "run", "-o", str(out), "pair", "--first", "7").returncode == 0
    assert out.read_text().splitlines()[1] == "7,2,"
    (own / "many.sql").write_text("SELECT value FROM json_each('[1,2,3]')")
    done = command("run", "many", "--limit", "2", "--jsonl")
    assert (len(done.stdout.splitlines()), "only the first 2 rows" in done.stderr) == (2, True)
    (own / "endless.sql").write_text("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c")
    assert command("run", "endless", "--timeout", "0.2").returncode == 4
    (own / "wrong.sql").write_text("-- A comment.\nSELECT nam FROM processes")
    done = command("run", "wrong")
    assert done.returncode == 1
    assert "line 2: SELECT nam FROM processes" in done.stderr


def test_a_named_query_can_be_watched(own: Path) -> None:
    (own / "moment.sql").write_text("SELECT :word AS word, random() AS number")
    process = subprocess.Popen([*RUN, "run", "moment", "x", "--watch", "0.05", "--csv"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(6)]
    assert sum(line.count(b"x,") for line in lines) >= 2
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    process.stdout.close()


def test_a_users_parameter_of_an_options_name_is_given_by_p(own: Path) -> None:
    (own / "clash.sql").write_text("-- param: limit integer\n-- param: h integer 3\nSELECT :limit AS one, :h AS h")
    assert json.loads(command("run", "clash", "-p", "limit=5", "--jsonl").stdout) == {"one": 5, "h": 3}
    assert json.loads(command("run", "clash", "5", "--limit", "1", "--h", "4", "--jsonl").stdout) == {"one": 5, "h": 4}


def test_a_queries_file_runs_by_f_too_with_its_defaults(pair: Path) -> None:
    assert json.loads(command("-f", str(pair), "-p", "first=1", "--jsonl").stdout) == {"first": 1, "second": 2, "word": None}
    done = command("-f", str(pair), "-p", "first=1", "-p", "second_one=9", "-p", "word=red", "--jsonl")
    assert json.loads(done.stdout) == {"first": 1, "second": 9, "word": "red"}


def test_the_list_has_every_query_for_people_and_for_programs(own: Path, pair: Path) -> None:
    (own / "bad.sql").write_text("SELECT '")
    (own / "esc\x1b[2J.sql").write_text("SELECT 1")
    (own / "worse.sql").write_text("-- title: \x1b[31mred\nSELECT 1")
    done = command("run", "--json")
    assert done.returncode == 0
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert {"listening", "who-has", "pair", "worse"} <= set(rows)
    assert rows["pair"] == {
        "name": "pair",
        "title": "Two numbers and a word.",
        "description": "A query of a test.",
        "parameters": [
            {"name": "first", "type": "integer", "words": [], "required": True, "default": None, "description": "The first."},
            {
                "name": "second_one",
                "type": "integer",
                "words": [],
                "required": False,
                "default": 2,
                "description": "The second.",
            },
            {
                "name": "word",
                "type": "word",
                "words": ["red", "green"],
                "required": False,
                "default": None,
                "description": "A colour.",
            },
        ],
        "tags": ["testing"],
        "platforms": [],
        "own": True,
        "path": str(pair),
    }
    assert "no query can have this name" in done.stderr
    done = command("run")
    assert "Two numbers and a word." in done.stdout
    assert "first [second_one] [word]" in done.stdout
    assert not UNSAFE.search(done.stdout + done.stderr)
    assert [json.loads(line)["name"] for line in command("run", "--jsonl").stdout.splitlines()] == list(rows)


def test_help_on_a_query_tells_its_doc_its_parameters_and_its_sql(pair: Path) -> None:
    for arguments in (("run", "pair", "--help"), ("help", "pair")):
        done = command(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("usage: sqlports run pair --first INTEGER [--second-one INTEGER] [--word red|green]\n")
        for part in (
            "Two numbers and a word.",
            "A query of a test.",
            "--second-one INTEGER  The second. [2]",
            "testing",
            str(pair),
        ):
            assert part in done.stdout
    done = command("run", "pair", "--sql")
    assert (done.returncode, done.stdout, done.stderr) == (0, PAIR, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_own_help(name: str) -> None:
    done = command(name, "--help")
    if name == "help":
        assert done.stdout == command("--help").stdout
        return
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: sqlports {name}")
    if name == "osqueryi":
        # Its command line is osquery's, and so is the page of its flags.
        assert "--json_pretty" in done.stdout
        assert "sqlports osqueryi --help" in command("help", name).stdout
        return
    assert len(done.stdout.splitlines()) < (30 if name == "audit" else 15)
    assert command("help", name).stdout == done.stdout


def test_the_help_lists_options_commands_and_statuses() -> None:
    said = command("--help").stdout
    assert command("-h").stdout == said
    assert command("help").stdout == said
    for option in make_parser().format_help().split():
        assert option in said
    for name, found in COMMANDS.items():
        assert f"  {name} {found.argument}".rstrip() in said
    assert "Exit status" in said
    done = command("help", "prot")
    assert (done.returncode, "did you mean port?" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pair",), "pair is a named query: sqlports run pair"),
        (("pair", "1"), "pair is a named query: sqlports run pair 1"),
        (("pair", "--first", "1"), "pair is a named query: sqlports run pair --first 1"),
        (("who-has", "80"), "who-has is a named query: sqlports run who-has 80"),
        (("show", "tables"), "did you mean sqlports tables?"),
        (("list", "queries"), "did you mean sqlports run?"),
        (("show", "sockets"), "did you mean sqlports schema sockets?"),
        (("tabels", "x"), "did you mean sqlports tables?"),
        (("listning", "x"), "did you mean sqlports run listening?"),
        (("processes",), "processes is a table"),
        (("8080",), "8080 is no statement: sqlports port 8080"),
    ],
)
@pytest.mark.usefixtures("pair")
def test_a_first_word_that_is_no_statement_is_met_with_what_was_meant(arguments: tuple[str, ...], said: str) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_query_for_another_system_is_told_and_runs(own: Path) -> None:
    (own / "foreign.sql").write_text("-- platform: plan9\nSELECT 1 AS one")
    done = command("run", "foreign", "--jsonl")
    assert (done.returncode, done.stdout, "made for plan9" in done.stderr) == (0, '{"one": 1}\n', True)


def test_nothing_of_named_queries_is_imported_for_a_statement() -> None:
    code = (
        "import sys\nfrom sqlports.cli import run\nrun(['--json', 'SELECT 1'])\n"
        "heavy = ('sqlports.queries.saved', 'sqlports.queries.header', 'sqlports.queries.parameters', "
        "'difflib', 'sqlports.commands.run')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


@pytest.mark.linux
@pytest.mark.usefixtures("pair")
def test_the_prompt_runs_lists_and_keeps_queries(own: Path, terminal: Terminal, listener: int) -> None:
    assert "pair" in terminal.run(".run")
    assert "Two numbers" in terminal.run(".queries two num")
    told = terminal.run(".queries pair")
    assert "--second-one INTEGER" in told
    assert "SELECT" in told
    terminal.run(".mode jsonl")
    assert '{"first": 1, "second": 5, "word": "red"}' in terminal.run(".run pair 1 word=red second_one=5")
    assert '{"first": 1, "second": 6, "word": null}' in terminal.run(".run pair --first=1 --second-one 6")
    assert str(os.getpid()) in terminal.run(f".run who-has {listener}")
    assert "pair: it needs first" in terminal.run(".run pair")
    assert "pair: --word needs a value" in terminal.run(".run pair --word")
    assert "did you mean pair" in terminal.run(".run pari")
    assert "no saved query has the name nosuch (.run lists them)" in terminal.run(".run nosuch")
    assert "a file runs by .read x.sql" in terminal.run(".run x.sql")
    assert "No closing quotation" in terminal.run(".run pair '")
    assert "syntax error" in terminal.run(".save wrong SELEC 1")
    assert not (own / "wrong.sql").exists()
    assert "cannot run: no such table: nope" in terminal.run(".save lacking SELECT :a FROM nope").replace("\r\n", " ")
    assert (own / "lacking.sql").exists()
    whole = terminal.run(".save whole CREATE TEMP VIEW w AS SELECT 1; SELECT * FROM w WHERE 1 = :one")
    assert "cannot run" not in whole
    assert (own / "whole.sql").exists()
    assert "no name for a query" in terminal.run(".save ../x SELECT 1")
    terminal.run("SELECT 7 AS seven;")
    assert "mine.sql: .run mine" in terminal.run(".save mine").replace("\r\n", " ")
    assert (own / "mine.sql").read_text() == "SELECT 7 AS seven;\n"
    (own.parent / "file.sql").write_text("-- param: n integer 8\nSELECT :n AS n;\nSELECT :n + 1 AS m;\n")
    told = terminal.run(f".read {own.parent / 'file.sql'}")
    assert '{"n": 8}' in told
    assert '{"m": 9}' in told
    assert "in place of what it was" in terminal.run(".save mine SELECT :n AS n, 'it''s'").replace("\r\n", "")
    assert '{"n": 3' in terminal.run(".run mine 3")
    assert '{"n": "x y"' in terminal.run(".run mine n='x y'")
    assert command("run", "mine", "3", "--jsonl").stdout == '{"n": 3, "\'it\'\'s\'": "it\'s"}\n'


def test_a_parameter_is_given_by_its_name_as_a_word_too() -> None:
    assert command("--json", "run", "fport", "sort=port").returncode == 0
    wrong = command("run", "fport", "sort=size")
    assert wrong.returncode == 2
    assert wrong.stderr == command("run", "fport", "--sort", "size").stderr


def test_the_help_of_a_command_with_options_of_its_own_lists_them() -> None:
    text = command("audit", "--help").stdout
    assert "--write-baseline FILE" in text
    assert "--limit" not in text
