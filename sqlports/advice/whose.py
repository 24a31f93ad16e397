"""Columns that two tables of a statement have here and only one of them in osquery, whose queries then mean that one."""

from __future__ import annotations

import re
from typing import Any

import apsw

from sqlports import registry
from sqlports.advice.mistakes import relations
from sqlports.advice.quotes import compiled
from sqlports.script import tokens

_AMBIGUOUS = re.compile(r"ambiguous column name: (\w+)$")


def is_meant(error: apsw.Error) -> bool:
    """Whether an error is that a column could be that of several tables."""
    return bool(_AMBIGUOUS.match(str(error)))


def read(connection: apsw.Connection, sql: str, values: Any) -> tuple[str, list[str]]:
    """The SQL with the table before each such column that is one table's in osquery, and what people are told of these.

    What is ambiguous otherwise stays so.
    """
    told: dict[str, str] = {}
    while True:
        try:
            compiled(connection, sql, values)
        except apsw.SQLError as error:
            found = _AMBIGUOUS.match(str(error))
            position = len(sql.encode()[: getattr(error, "error_offset", -1)].decode(errors="ignore"))
            alias = _whose(found[1], sql) if found and sql.startswith(found[1], position) else None
            if found is None or alias is None:
                break
            told[found[1]] = f"{alias}.{found[1]}"
            sql = f"{sql[:position]}{alias}.{sql[position:]}"
        else:
            break
    return sql, [f"{name} is read as {whole}, as osquery has it: write that" for name, whole in told.items()]


def _whose(column: str, sql: str) -> str | None:
    """The alias of the one table that has the column in osquery, where all that have it are osquery's tables too."""
    theirs, column = [], column.lower()
    for alias, name in relations(tokens(sql)).items():
        table = registry.table(name) if name in registry.table_names() else None
        if table is None or column not in table.position:
            continue
        if not table.osquery:
            return None
        if table.position[column] <= table.position[table.osquery] or table.columns[table.position[column]].hidden:
            theirs.append(alias)
    return theirs[0] if len(theirs) == 1 else None
