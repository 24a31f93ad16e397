"""The command as a process: its arguments, its exit statuses, its manners."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from .conftest import ENDLESS, HERE, ROOT, RUN, UNSAFE, command


def test_flags_in_any_order_files_and_standard_input(tmp_path: Path) -> None:
    script = tmp_path / "q.sql"
    script.write_text("-- a question\nSELECT 2 AS b;\n")
    done = command("SELECT 1 AS a", "--jsonl", "-f", str(script))
    assert done.stdout == '{"a": 1}\n{"b": 2}\n'
    assert command("-f", "-", "--jsonl", input="SELECT 3 AS c").stdout == '{"c": 3}\n'
    assert command("--jsonl", input="SELECT 4 AS d; SELECT 5 AS e").stdout == '{"d": 4}\n{"e": 5}\n'
    assert command("--jsonl", "--limit", "1", "SELECT 1 AS a", "-m", "line").stdout == "a = 1\n"


def test_parameters_are_numbers_where_they_read_back_the_same() -> None:
    sql = "SELECT :a AS a, :b AS b, :c AS c, :d AS d, :e AS e"
    done = command("--json", sql, *(word for p in ("a=5", "b=007", "c=1.5", "d=x=y", "e=") for word in ("-p", p)))
    assert json.loads(done.stdout) == [{"a": 5, "b": "007", "c": 1.5, "d": "x=y", "e": ""}]


def test_limit_says_when_there_was_more() -> None:
    done = command("--jsonl", "--limit", "2", "SELECT value FROM json_each('[1,2,3]')")
    assert len(done.stdout.splitlines()) == 2
    assert "only the first 2 rows" in done.stderr
    assert command("--jsonl", "--limit", "3", "SELECT value FROM json_each('[1,2,3]')").stderr == ""
    none, one = command("--json", "--limit", "0", "SELECT 1"), command("--csv", "--limit", "1", "SELECT 1 AS a UNION SELECT 2")
    assert (none.stdout, none.stderr) == ("[]\n", "sqlports: no rows are shown (--limit 0)\n")
    assert (one.stdout, one.stderr) == ("a\n1\n", "sqlports: only the first row is shown (--limit)\n")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("SELECT 1",), 0, ""),
        (("SELECT * FROM nowhere",), 1, "no such table: nowhere"),
        (("SELECT 1", "SELECT"), 1, "incomplete input"),
        (("--mode", "nonsense", "SELECT 1"), 2, "invalid choice"),
        (("-m", "jsno", "SELECT 1"), 2, "invalid choice: 'jsno' (did you mean json?)"),
        (("--mode", "xyzzy", "SELECT 1"), 2, "choose from table, line"),
        (("--jsno", "SELECT 1"), 2, "unrecognized arguments: --jsno (did you mean --json?)"),
        (("--nonsense",), 2, "unrecognized"),
        (("--limit", "-1", "SELECT 1"), 2, "not a number of rows"),
        (("--timeout", "soon", "SELECT 1"), 2, "not a number of seconds"),
        (("-p", "5", "SELECT 1"), 2, "NAME=VALUE"),
        (("-f", "/no/such/file"), 1, "/no/such/file: No such file"),
        (("-o", "/no/such/file", "SELECT 1"), 1, "/no/such/file: No such file"),
        (("--timeout", "0.3", ENDLESS), 4, "longer than 0.3 s"),
        (("ATTACH 'x' AS y",), 1, "--write permits it"),
        (("schema", "socket"), 1, "did you mean sockets?"),
    ],
)
def test_the_exit_status_is_an_answer(arguments: tuple[str, ...], status: int, said: str) -> None:
    done = command(*arguments)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_results_before_an_error_are_written() -> None:
    done = command("--jsonl", "SELECT 1 AS a; SELECT 2 AS b; SELEC; SELECT 4 AS d")
    assert (done.returncode, done.stdout) == (1, '{"a": 1}\n{"b": 2}\n')
    assert "line 1: SELECT 1 AS a; SELECT 2 AS b; SELEC" in done.stderr


def test_a_caret_stands_below_the_fault() -> None:
    lines = command("SELECT 1;\nSELECT nam FROM processes").stderr.splitlines()
    assert lines == [
        "sqlports: no such column: nam (did you mean name?)",
        "line 2: SELECT nam FROM processes",
        "               ^",
    ]


def test_a_closed_pipe_ends_quietly() -> None:
    sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"
    process = subprocess.Popen([*RUN, "--jsonl", sql], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b'{"n": 1}\n'
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0
    process.stderr.close()


@pytest.mark.linux
@pytest.mark.parametrize("arguments", [("-o", "/dev/full"), ()])
def test_a_full_disk_is_one_line(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*RUN, *arguments, "SELECT 1"],
            stdout=subprocess.DEVNULL if arguments else full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_closed_standard_streams_are_no_traceback() -> None:
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *RUN, "SELECT 1"], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    done = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *RUN, "SELECT 1"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *RUN, "SELEC"], capture_output=True, text=True, check=False)
    assert done.returncode == 1


def test_an_interrupt_is_status_130() -> None:
    process = subprocess.Popen([*RUN, "SELECT 1 AS started; " + ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in said


def test_watch_asks_again_until_interrupted() -> None:
    process = subprocess.Popen(
        [*RUN, "--json", "--watch", "0.05", "SELECT 1 AS a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(3)] == [b'[{"a": 1}]\n'] * 3
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, b"")


def test_tables_and_schema_are_commands() -> None:
    names = [row["name"] for row in json.loads(command("tables", "--json").stdout)]
    assert {"processes", "sockets", "handles", "listening_ports"} <= set(names)
    columns = [row["column"] for row in json.loads(command("schema", "sockets", "--json").stdout)]
    assert columns[0] == "protocol"
    assert "port" in columns
    header = "column,type,key,search,choices,description\npid,INTEGER"
    assert command("schema", "listening_ports", "--csv").stdout.startswith(header)


def test_select_1_imports_no_table_and_no_heavy_library() -> None:
    code = (
        "import sys\nfrom sqlports.cli import run\nrun(['--json', 'SELECT 1'])\n"
        "heavy = ('psutil', 'prompt_toolkit', 'tabulate', 'socket', 'sqlports.schema', 'sqlports.sources')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_an_error_message_lets_no_escape_through() -> None:
    done = command("SELECT \x1b[31mx FROM y")
    assert done.returncode == 1
    assert "\x1b" not in done.stderr


@pytest.mark.linux
@pytest.mark.skipif(ROOT, reason="root may read all")
def test_what_permission_hides_is_said_once_with_the_remedy() -> None:
    done = command("--json", "SELECT count(pid) AS n FROM sockets; SELECT count(fd) AS n FROM sockets")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)
    [said] = done.stderr.splitlines()
    assert re.match(r"sqlports: not permitted to read the handles of [\d,]+ process(es)?\b.* Run as root", said)
    assert command("--json", f"SELECT count(*) AS n FROM sockets WHERE {HERE}").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((".tables",), 2, ".tables is for the prompt"),
        (("SELECT", "pid", "FROM", "processes"), 2, 'sqlports "SELECT pid FROM processes"'),
        (("tables", "nowhere"), 1, "no table's name has nowhere in it"),
        (("SELECT \udcff",), 1, "sqlports: "),
        (("-p", "x=\udcff", "SELECT :x"), 0, ""),
        (("--\x1b[31mx",), 2, "\\x1b[31mx"),
        (("--limit", "9" * 30, "SELECT 1"), 0, ""),
    ],
)
def test_arguments_that_people_and_others_give(arguments: tuple[str, ...], status: int, said: str) -> None:
    done = command(*arguments)
    assert (done.returncode, said in done.stderr) == (status, True)
    assert "fault in sqlports" not in done.stderr
    assert not UNSAFE.search(done.stderr)


def test_nothing_for_people_is_written_among_the_data() -> None:
    done = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *RUN, "SELEC"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def test_watch_appends_to_its_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    process = subprocess.Popen([*RUN, "--json", "--watch", "0.05", "-o", str(path), "SELECT 1 AS a"])
    while not path.exists() or path.read_text().count("\n") < 3:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert set(path.read_text().splitlines()) == {'[{"a": 1}]'}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-f", "nn/zz\nsqlports: forged"), "nn/zz\\nsqlports: forged: No such file"),
        (("-f", "nn/\udcff\x1b[31m"), "nn/\\xff\\x1b[31m: No such file"),
        (("-o", "nn/a\n\udcffb", "SELECT 1"), "nn/a\\n\\xffb"),
        (("--root", "nn/a\nb", "SELECT 1"), "nn/a\\nb"),
        (("run", "a\nsqlports: forged"), "a\\nsqlports: forged"),
    ],
)
def test_no_name_of_a_file_forges_a_line(arguments: tuple[str, ...], said: str) -> None:
    done = command(*arguments)
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "module", ["sqlports.cli", "argparse", "sqlports.commands", "apsw", "sqlports.engine", "sqlports.session"]
)
@pytest.mark.parametrize("by", ["module", "script"])
def test_an_interrupt_while_it_starts_is_status_130_and_no_traceback(module: str, by: str) -> None:
    entry = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["scripts"]["sqlports"]
    code = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "sys.argv[1:] = ['SELECT 1']\n"
    )
    if by == "module":
        code += "import runpy; runpy.run_module('sqlports', run_name='__main__')"
    else:
        code += f"from {entry.replace(':', ' import ')} as entry; entry()"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_what_is_imported_before_an_interrupt_is_heeded_is_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); import sqlports.start; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-P", "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sqlports", "sqlports.start"]


def test_the_version_is_written_as_data_is() -> None:
    assert re.fullmatch(r"sqlports [\d.]+\n", command("--version").stdout)
    assert command("run", "--version", "nosuch").returncode == 0
    for redirected in (">&-", ">/dev/full" if sys.platform == "linux" else ">&-"):
        shell = ["sh", "-c", f'exec "$@" {redirected}', "sh", *RUN, "--version"]
        done = subprocess.run(shell, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(r"sqlports: (standard output is closed|No space left on device)\n", done.stderr)


def test_an_output_called_by_a_dash_is_standard_output(tmp_path: Path) -> None:
    done = command("--jsonl", "-o", "-", "SELECT 1 AS a", cwd=tmp_path)
    assert (done.stdout, list(tmp_path.iterdir())) == ('{"a": 1}\n', [])
    assert command("run", "zombies", "--json", "-o", "-", cwd=tmp_path).stdout.startswith("[")
    assert list(tmp_path.iterdir()) == []
