"""What there is to ask, described for people and for machines: tables, their columns, functions."""

from __future__ import annotations

import csv
import io
import json
import re

import apsw
import pytest

from sqlports import Engine, registry
from sqlports.about import catalogue, describe, known

from .conftest import command
from .terminal import Terminal

NAMES = (*registry.table_names(), *registry.view_names())


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_names_every_column_and_fits_its_width(name: str, columns: int, engine: Engine) -> None:
    text = describe.page(name, engine.connection, columns)
    before, _, sql = text.partition("\nSQL\n")
    assert all(len(line) <= columns for line in before.splitlines())
    for column in known.columns(name, engine.connection):
        assert column.name in before
    assert bool(sql) == (name in registry.view_names())


@pytest.mark.parametrize("name", NAMES)
def test_every_column_has_a_meaning_and_a_type_that_its_values_have(name: str, live: Engine) -> None:
    columns = known.columns(name, live.connection)
    assert all(column.doc for column in columns)
    untyped = {column.name for column in columns if not column.type}
    # What an expression may give of several types is not known.
    assert untyped <= {"ports"}
    few = {"file": " WHERE path = '/'", "hash": " WHERE path = '/etc/passwd'", "port_conflicts": " WHERE port = 1"}
    kinds = {"INTEGER": "integer", "TEXT": "text", "REAL": "real"}
    typed = [column for column in columns if column.type]
    names = ", ".join(f'typeof("{column.name}")' for column in typed)
    for row in live.connection.execute(f"SELECT {names} FROM {name}{few.get(name, '')} LIMIT 300"):
        for column, kind in zip(typed, row, strict=True):
            assert kind in (kinds[column.type], "null"), column.name


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_to_join_joins(name: str, engine: Engine) -> None:
    for by, tables in describe.joins(name, engine.connection):
        for other in tables:
            types = [
                [column.type for column in known.columns(one, engine.connection) if column.name in by] for one in (name, other)
            ]
            assert sorted(types[0]) == sorted(types[1]), (by, other)


@pytest.mark.parametrize("name", registry.view_names())
def test_the_examples_of_a_view_run(name: str, live: Engine) -> None:
    for example in describe.examples(name):
        live.query(f"SELECT * FROM ({example}) LIMIT 3")


def test_a_views_columns_are_known_by_the_tables_that_it_is_made_of(engine: Engine) -> None:
    found = {column.name: column for column in known.columns("listeners", engine.connection)}
    assert found["state"].choices == registry.table("sockets").columns[3].choices
    assert set(found["scope"].choices) == {"loopback", "link", "address", "all"}
    assert (found["backlog_use"].type, found["name"].type, found["dual_stack"].type) == ("REAL", "TEXT", "INTEGER")
    # A view of a view.
    assert known.column_of("port_use", "scope", engine.connection).choices == found["scope"].choices  # type: ignore[union-attr]


def test_machines_are_told_all_of_it() -> None:
    [sockets, port_use] = json.loads(command("describe", "sockets", "PORT_USE", "--json").stdout)
    assert (sockets["name"], sockets["kind"], sockets["sql"]) == ("sockets", "table", None)
    columns = {column["column"]: column for column in sockets["columns"]}
    assert "LISTEN" in columns["state"]["choices"]
    assert columns["state"]["search"] == "=, IN"
    assert "handle tables" in columns["pid"]["reads"]
    assert columns["port"]["hidden"] is True
    assert {"by": ["inode"], "tables": ["connections", "handles", "port_conflicts", "process_open_pipes"]} in sockets["joins"]
    assert (port_use["kind"], port_use["sql"].startswith("WITH")) == ("view", True)
    [file] = [json.loads(line) for line in command("describe", "file", "--jsonl").stdout.splitlines()]
    assert file["needs"] == ["path or directory"]
    rows = list(csv.DictReader(io.StringIO(command("describe", "users", "--csv").stdout)))
    assert (rows[0]["column"], rows[0]["key"]) == ("uid", "key")


def test_people_are_told_it_in_80_columns() -> None:
    done = command("describe", "file")
    assert "Needs  WHERE path = … or directory = …" in done.stdout
    assert "Examples\n  1  SELECT path, mode, uid FROM file" in done.stdout
    listed = command("schema", "file")
    assert "NULL here" in listed.stdout
    assert " NULL " not in listed.stdout.replace("NULL here", "").replace("NULL w", "").replace("NULL f", "")


def test_functions_are_listed_with_how_they_are_called() -> None:
    rows = json.loads(command("functions", "substr", "--json").stdout)
    assert any(row["function"].startswith("substr(") and row["description"] for row in rows)
    done = command("functions", "xyzzy")
    assert (done.returncode, "no function has xyzzy in it" in done.stderr) == (1, True)


def test_what_is_not_there_is_guessed_at() -> None:
    done = command("describe", "socket")
    assert (done.returncode, "did you mean sockets?" in done.stderr) == (1, True)
    assert command("describe").returncode == 2


@pytest.mark.linux
def test_the_prompt_describes_a_table_and_runs_its_examples(terminal: Terminal) -> None:
    terminal.run(".describe users 2")
    terminal.shows(r"/root")
    terminal.run(".describe users 9")
    terminal.shows(r"users has examples 1 to 3")
    terminal.run(".describe user")
    terminal.shows(r"did you mean users\?|did you mean user_groups\?")
    terminal.run("CREATE TEMP VIEW mine AS SELECT pid, 1 AS one FROM processes;")
    terminal.run(".describe mine")
    terminal.shows(r"mine, made here")
    terminal.run(".functions json_pretty")
    terminal.shows(r"json_pretty\(")


@pytest.mark.linux
def test_a_parameter_is_given_at_the_prompt(terminal: Terminal) -> None:
    terminal.run("SELECT :what AS it;")
    terminal.shows(r"no value for :what \(\.param what VALUE gives it one\)")
    terminal.run(".param what '007'")
    terminal.run("SELECT typeof(:what) AS it, :what AS there;")
    terminal.shows(r"text +007")
    terminal.run(".param what 12")
    terminal.run("SELECT typeof(:what) AS it;")
    terminal.shows(r"integer")
    terminal.run(".param what")
    terminal.run(".param what")
    terminal.shows(r"there is no :what")


@pytest.mark.parametrize("name", registry.table_names())
def test_the_schema_of_a_table_is_sql(name: str) -> None:
    sql = re.sub(r"\bHIDDEN\b", "", catalogue.schema(name))
    connection = apsw.Connection(":memory:")
    connection.execute(sql)
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
    assert columns == [column.name for column in registry.table(name).columns]


def test_a_column_that_a_query_in_brackets_gives_has_the_type_of_what_that_selects(engine: Engine) -> None:
    found = {column.name: column.type for column in known.columns("port_use", engine.connection)}
    assert found["mismatch"] == "INTEGER"
