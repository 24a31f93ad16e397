"""What is said of a statement that runs: texts in double quotes, comparisons that can never be true, a look at nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from sqlports import Engine, QueryError, registry

from .conftest import FakeRoot, command

TREE = Path(__file__).resolve().parents[1]


@pytest.fixture
def populated(fake: FakeRoot, engine: Engine) -> Engine:
    """An engine over two processes and a listener."""
    fake.process(42, "sshd", fds={3: "socket:[501]"})
    fake.process(43, "it's")
    fake.net("tcp", "0100007F:0016 00000000:0000 0A 501")
    return engine


def answered(engine: Engine, sql: str) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The rows of a script's only result, and what is said of it."""
    [found] = [(list(result), result.notes) for result in engine.run(sql)]
    return found


def noted(engine: Engine, sql: str, parameters: Any = ()) -> list[str]:
    return [note for result in engine.run(sql, parameters) for note in result.notes]


@pytest.mark.parametrize(
    ("sql", "rows", "notes"),
    [
        ('SELECT pid FROM processes WHERE name = "sshd"', [(42,)], ['"sshd" is read as a text']),
        (
            'SELECT pid FROM processes WHERE name IN ("sshd", "x") OR name LIKE "it%"',
            [(42,), (43,)],
            ['"sshd", "x", "it%" are'],
        ),
        ('SELECT pid FROM processes WHERE name = "it\'s"', [(43,)], ['"it\'s" is read as a text']),
        ('SELECT count(*) AS "n", "é x" FROM processes', [(2, "é x")], ['"é x" is read']),
        ('SELECT json_extract(\'{"a": 7}\', "$.a")', [(7,)], ['"$.a" is read']),
        ('SELECT a FROM (SELECT "x ""y""" AS a)', [('x "y"',)], ['"x "y"" is read']),
        ('WITH w AS (SELECT "z" AS a) SELECT a FROM w UNION SELECT "q"', [("q",), ("z",)], ['"q", "z" are read']),
        ('SELECT "nam" FROM processes LIMIT 1', [("nam",)], ['"nam" is read as a text, for there is no such column: did you']),
        ('SELECT "name" FROM processes WHERE "pid" = 42', [("sshd",)], []),
        ("SELECT '\"sshd\"' AS a", [('"sshd"',)], []),
    ],
)
def test_a_text_in_double_quotes_is_read_as_one_and_told(
    sql: str, rows: list[tuple[Any, ...]], notes: list[str], populated: Engine
) -> None:
    found, told = answered(populated, sql)
    assert found == rows
    assert len(told) == len(notes)
    for note, beginning in zip(told, notes, strict=True):
        assert note.startswith(beginning) or set(re.findall('"[^ ]*"', beginning)) <= set(re.findall('"[^ ]*"', note)), note


def test_what_is_misspelt_is_hinted_at_though_it_runs(populated: Engine) -> None:
    assert noted(populated, 'SELECT "cmdlin" FROM processes')[0].endswith("did you mean cmdline?")


def test_columns_keep_the_names_that_the_users_text_gives_them(populated: Engine) -> None:
    [result] = populated.run('SELECT "a b", upper("x"), pid FROM processes LIMIT 0')
    assert result.columns == ('"a b"', 'upper("x")', "pid")


def test_another_mistake_is_pointed_at_in_the_users_text(populated: Engine) -> None:
    with pytest.raises(QueryError) as wrong:
        populated.query('SELECT "a ""b""", "it\'s",\n nam FROM processes')
    assert wrong.value.place is not None
    assert (wrong.value.place.line, wrong.value.place.text[wrong.value.place.before :]) == (2, "nam FROM processes")


def test_a_name_with_a_table_before_it_is_never_a_text(populated: Engine) -> None:
    with pytest.raises(QueryError, match=r"no such column: p\.nope"):
        populated.query('SELECT p."nope" FROM processes p')


def test_many_texts_are_named_few_and_all_read(populated: Engine) -> None:
    many = ", ".join(f'"v{number}"' for number in range(300))
    rows, [note] = answered(populated, f'SELECT pid FROM processes WHERE name IN ({many}, "sshd")')
    assert rows == [(42,)]
    assert "and others are read as texts" in note
    assert len(note) < 200


def test_a_view_may_have_them_too_and_keeps_them_in_single_quotes(populated: Engine) -> None:
    script = 'CREATE TEMP VIEW v AS SELECT pid, name FROM processes WHERE name = "sshd"; SELECT pid FROM v'
    rows, notes = answered(populated, script)
    assert rows == [(42,)]
    assert notes == ['"sshd" is read as a text: SQL writes texts in single quotes']
    [made] = populated.query("SELECT sql FROM sqlite_temp_schema WHERE name = 'v'")
    assert made["sql"].endswith("name = 'sshd'")
    assert noted(populated, "SELECT * FROM v") == []


def test_double_quotes_mean_names_again_afterwards(populated: Engine) -> None:
    populated.query('SELECT pid FROM processes WHERE name = "sshd"')
    assert populated.connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, -1) == 0
    assert noted(populated, 'SELECT "sshd"') == ['"sshd" is read as a text: SQL writes texts in single quotes']


NEVER = [
    ("SELECT * FROM sockets WHERE state = 'LISTENING'", "state is never 'LISTENING': did you mean 'LISTEN'?"),
    ("SELECT * FROM sockets WHERE state = 'listen'", "state is never 'listen': did you mean 'LISTEN'?"),
    ('SELECT * FROM sockets WHERE state = "LISTENING"', "did you mean 'LISTEN'?"),
    ("SELECT * FROM sockets WHERE state <> 'TIME-WAIT'", "did you mean 'TIME_WAIT'?"),
    ("SELECT * FROM sockets WHERE state NOT IN ('LISTEN', 'ESTAB')", "state is never 'ESTAB': did you mean 'ESTABLISHED'?"),
    ("SELECT * FROM sockets WHERE 'CLOSED' = state", "did you mean 'CLOSE'?"),
    ("SELECT * FROM sockets s WHERE s.state = 'x y z' OR length(path) > 3", "state is never 'x y z': it is one of"),
    ("SELECT * FROM sockets WHERE protocol = 6", "protocol is never 6: did you mean 'tcp'?"),
    ("SELECT * FROM sockets WHERE family = 'inet6'", "family is never 'inet6'"),
    ("SELECT * FROM sockets WHERE family = 10", "did you mean 'ipv6'?"),
    (
        "SELECT * FROM sockets WHERE port = 'http'",
        "port is a number, and 'http' is none: names of services are in port_registry",
    ),
    ("SELECT * FROM sockets WHERE local_port IN (22, 'ssh')", "local_port is a number, and 'ssh' is none: names of services"),
    ("SELECT * FROM processes WHERE pid = 'sshd'", "pid is a number, and 'sshd' is none: names of processes"),
    ("SELECT * FROM processes WHERE uid = 'root'", "names of users are in users.username"),
    ("SELECT * FROM processes WHERE resident_size > '10M'", "resident_size is a number, and '10M' is none"),
    ("SELECT * FROM processes WHERE state = 'sleeping'", "S sleeping"),
    ("SELECT sum(state = 'LISTENING') FROM sockets", "did you mean 'LISTEN'?"),
    ("SELECT CASE WHEN state = 'LISTENING' THEN 1 END FROM sockets", "did you mean 'LISTEN'?"),
    ("SELECT state FROM sockets GROUP BY state HAVING state = 'LISTENING'", "did you mean 'LISTEN'?"),
    ("SELECT * FROM sockets s LEFT JOIN processes p ON p.pid = s.pid AND p.state = 'running'", "R running"),
    ("SELECT * FROM listeners WHERE state = 'LISTENING'", "did you mean 'LISTEN'?"),
    (
        "SELECT * FROM listeners WHERE scope = 'public'",
        "scope is never 'public': it is one of 'loopback', 'link', 'all', 'address'",
    ),
    ("SELECT * FROM port_use WHERE scope = 'everywhere'", "scope is never"),
    ("SELECT * FROM process_open_sockets WHERE state = 'LISTENING'", "did you mean 'LISTEN'?"),
    ("SELECT st FROM (SELECT state AS st FROM sockets) WHERE st = 'LISTENING'", "st is never 'LISTENING'"),
    (
        "WITH w AS (SELECT state AS st, pid FROM sockets) SELECT * FROM w WHERE NOT (st = 'OPEN' OR pid = 3)",
        "st is never 'OPEN'",
    ),
    ("SELECT name FROM processes WHERE pid IN (SELECT pid FROM sockets WHERE state = 'LISTENING')", "did you mean 'LISTEN'?"),
    (
        "SELECT name FROM processes p WHERE EXISTS (SELECT 1 FROM sockets s WHERE s.pid = p.pid AND s.port = 'x')",
        "port is a number",
    ),
    ("SELECT * FROM port_registry WHERE range = 'wellknown'", "did you mean 'well-known'?"),
]


@pytest.mark.parametrize(("sql", "said"), NEVER)
def test_a_comparison_that_can_never_be_true_is_told(sql: str, said: str, populated: Engine) -> None:
    assert any(said in note for note in noted(populated, sql)), noted(populated, sql)


def test_the_value_of_a_parameter_is_looked_at_as_well(populated: Engine) -> None:
    assert noted(populated, "SELECT * FROM sockets WHERE state = :s", {"s": "LISTENING"}) == [
        "state is never 'LISTENING': did you mean 'LISTEN'?"
    ]
    assert noted(populated, "SELECT * FROM sockets WHERE state = :s", {"s": "LISTEN"}) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM sockets WHERE state LIKE 'LISTENING%' OR state GLOB 'x*'",
        "SELECT * FROM sockets WHERE lower(state) = 'listen'",
        "SELECT * FROM sockets WHERE state || 'ING' = 'LISTENING'",
        "SELECT * FROM sockets WHERE state = 'LISTEN' || 'ING'",
        "SELECT * FROM sockets WHERE state = 'listen' COLLATE NOCASE",
        "SELECT * FROM sockets WHERE state COLLATE NOCASE = 'listen'",
        "SELECT * FROM sockets WHERE state > 'M' AND port = '22' AND port < ' 1024 ' AND local_port IN ('22', 80.0)",
        "SELECT * FROM (SELECT name AS state FROM processes) WHERE state = 'sshd'",
        "SELECT * FROM (SELECT name state FROM processes) WHERE state = 'sshd'",
        "SELECT name AS state FROM processes GROUP BY 1 HAVING state = 'sshd'",
        "WITH w (state) AS (SELECT name FROM processes) SELECT * FROM w, sockets s WHERE w.state = 'sshd'",
        "SELECT * FROM sockets WHERE EXISTS (SELECT 1 FROM json_each('[1]') WHERE type = 'integer')",
        "SELECT state FROM sockets JOIN processes p USING (pid) WHERE p.name = 'LISTENING'".replace("state", "p.state"),
        "SELECT 'LISTENING' AS what FROM sockets WHERE what = 'LISTENING'",
        "SELECT k FROM (SELECT state AS k FROM sockets UNION ALL SELECT name FROM processes) WHERE k = 'sshd'",
        "SELECT k FROM (SELECT state AS k FROM sockets UNION ALL SELECT 'mine') WHERE k = 'mine'",
        "SELECT * FROM process_open_sockets WHERE family = 2 AND protocol = 6",
        "SELECT * FROM listening_ports WHERE protocol = 6 AND family = '2' AND port = 22",
        "SELECT * FROM processes WHERE state = 'R' OR uid = '0'",
        "SELECT CASE state WHEN 'LISTENING' THEN 1 END FROM sockets",
        "SELECT * FROM sockets WHERE state IN (SELECT 'LISTENING')",
        "SELECT * FROM file WHERE path = '/etc' AND mode = 644",
        "SELECT type, s.name FROM pragma_module_list, sqlite_schema s WHERE type = 'anything'",
    ],
)
def test_what_may_be_true_is_left_alone(sql: str, populated: Engine) -> None:
    assert noted(populated, sql) == []


def shown() -> Iterator[tuple[str, str]]:
    """Every query that the project shows: the tables' own examples, its example files, its pages, its named queries."""
    for name in registry.table_names():
        for number, example in enumerate(registry.table(name).examples, 1):
            yield f"{name}-{number}", example
    for name in registry.view_names():
        yield name, registry.view(name).sql
    for folder in ("examples", "sqlports/queries"):
        for path in sorted((TREE / folder).glob("*.sql")):
            yield path.stem, path.read_text(encoding="utf-8")
    for path in (TREE / "README.md", *sorted((TREE / "docs").glob("*.md"))):
        for number, block in enumerate(re.findall(r"```sql\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL), 1):
            if path.name != "tables.md":
                yield f"{path.stem}-{number}", block


def test_no_query_that_is_shown_has_a_comparison_that_is_never_true(engine: Engine) -> None:
    from sqlports.advice import never
    from sqlports.script import split

    looked = compared = 0
    for name, text in shown():
        for statement in split(text):
            values = dict.fromkeys(statement.names)
            # As the engine asks, but for the rows: what is shown says nothing, and is no mistake.
            assert never.notes(engine, statement, values, False) == [], name
            looked += 1
            compared += len(re.findall("[=<>(] ?'", statement.sql))
    assert looked > 150
    assert compared > 200


def test_scan_errors_alone_says_that_there_was_nothing_before_it(fake: FakeRoot) -> None:
    with Engine(root=str(fake.path)) as engine:
        assert "there was none" in noted(engine, "SELECT * FROM scan_errors")[0]
        assert noted(engine, "SELECT count(*) FROM processes; SELECT * FROM scan_errors") == []
        assert noted(engine, "SELECT * FROM scan_errors") == []
    with Engine(root=str(fake.path)) as engine, engine.snapshot():
        assert noted(engine, "SELECT * FROM scan_errors") == []


def test_the_command_tells_it_on_standard_error(fake: FakeRoot) -> None:
    done = command("--root", str(fake.path), "--json", "SELECT pid FROM sockets WHERE state = 'LISTENING'")
    assert (done.stdout, done.returncode) == ("[]\n", 0)
    assert "did you mean 'LISTEN'?" in done.stderr


def test_a_statement_without_texts_imports_nothing_for_them() -> None:
    late = ("advice", "mistakes", "quotes", "known", "comparisons")
    code = (
        "import sys; from sqlports import Engine\n"
        "Engine().query('SELECT pid FROM processes WHERE pid = 1')\n"
        f"print([name for name in {late} if 'sqlports.' + name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT ppid FROM processes", "that is parent here"),
        ("SELECT p.rss FROM processes p", "that is resident_size here"),
        ("SELECT raddr FROM sockets", "that is remote_address here"),
        ("SELECT comm FROM threads", "that is name here"),
    ],
)
def test_what_other_tools_call_a_column_is_known(engine: Engine, sql: str, told: str) -> None:
    with pytest.raises(QueryError, match=told):
        engine.query(sql)


def test_every_name_that_is_translated_is_a_columns_and_leads_to_one() -> None:
    from sqlports.advice.foreign import COLUMNS

    columns = {column.name for name in registry.table_names() for column in registry.table(name).columns if column.path}
    assert {meant for several in COLUMNS.values() for meant in several} <= columns


def test_a_semicolon_that_is_missing_between_lines_is_told(engine: Engine) -> None:
    with pytest.raises(QueryError, match="is a ; missing before it"):
        engine.query("SELECT fd FROM handles WHERE pid = 1\nSELECT 1;")
