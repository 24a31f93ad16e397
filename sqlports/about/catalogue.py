"""What can be asked: the tables and views with their columns and docs, as rows for a command and as pages for people."""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from sqlports import registry
from sqlports.about import known
from sqlports.about.describe import described
from sqlports.errors import nearest
from sqlports.schema import SQL_TYPES

TABLES = ("name", "kind", "description")
COLUMNS = ("column", "type", "key", "search", "choices", "description")
FUNCTIONS = ("function", "kind", "description")


def relations() -> Iterator[tuple[str, str, str]]:
    """Every table and view: name, 'table' or 'view', the first sentence of its doc."""
    for name in sorted((*registry.table_names(), *registry.view_names())):
        if name in registry.table_names():
            yield name, "table", summary(registry.table(name).doc)
        else:
            yield name, "view", summary(registry.view(name).doc)


def meant(name: str) -> str | None:
    """A hint at the table that was probably meant."""
    found = nearest(name, [known for known, _, _ in relations()])
    return f"did you mean {found}?" if found else None


def summary(doc: str) -> str:
    """The first sentence of a doc."""
    return " ".join(doc.split()).split(". ")[0].rstrip(".") + "."


def columns(
    name: str, connection: apsw.Connection
) -> Iterator[tuple[str, str | None, str | None, str | None, str | None, str]]:
    """The columns of a table or view, as COLUMNS has them; None for what there is not.

    Of `key` are 'key', and 'needed' for what a query has to give. Raises KeyError when there is none of this name.
    """
    for column in known.columns(name, connection):
        key = ", ".join(word for word, is_so in (("key", column.key), ("needed", column.needed)) if is_so)
        doc = f"{column.doc} Hidden." if column.hidden else column.doc
        yield column.name, column.type or None, key or None, column.search or None, ", ".join(column.choices) or None, doc


def functions(pattern: str = "") -> Iterator[tuple[str, str, str]]:
    """The functions and collations in whose name or doc the pattern is: how each is called, its kind, what it gives."""
    from sqlports.about.functions import functions as told
    from sqlports.about.functions import orders

    for function in (*told(), *orders()):
        if pattern.lower() in f"{function.name} {function.kind} {function.doc}".lower():
            signature = f"COLLATE {function.name}" if function.kind == "collation" else function.signature
            yield signature, function.kind, function.doc


def schema(name: str) -> str:
    """The SQL that stands for a table or view. Raises KeyError."""
    if name in registry.view_names():
        view = registry.view(name)
        columns = (f"--   {column:<16} {doc}" for column, doc in view.columns.items())
        lines = [*(f"-- {line}" for line in view.doc.splitlines()), *columns, f"CREATE VIEW {name} AS", f"{view.sql};"]
        return "\n".join(lines)
    table = registry.table(name)
    lines = []
    last = len(table.columns) - 1
    for index, column in enumerate(table.columns):
        hidden = " HIDDEN" if column.hidden else ""
        declared = f"  {column.name} {SQL_TYPES[column.kind]}{hidden}{'' if index == last else ','}"
        lines.append(f"{declared:<34} -- {column.doc}")
    return "\n".join([*(f"-- {line}".rstrip() for line in table.doc.splitlines()), f"CREATE TABLE {name} (", *lines, ");"])


def markdown_list() -> str:
    """The list of tables for the README."""
    rows = "\n".join(f"| `{name}` | {kind} | {doc} |" for name, kind, doc in relations())
    return f"| name | | what it tells |\n|---|---|---|\n{rows}\n"


def markdown_reference() -> str:
    """The reference page: every table, its columns, its examples; every view, its SQL."""
    pages = ["# Tables\n\nMade from the declarations in `tables/` by `make docs`.\n"]
    for name, kind, _ in relations():
        if kind == "view":
            view = registry.view(name)
            rows = "\n".join(f"| `{column}` | {doc} |" for column, doc in view.columns.items())
            columns = f"| column | what it tells |\n|---|---|\n{rows}\n\n" if rows else ""
            pages.append(f"## {name}\n\n{view.doc}\n\n{columns}```sql\n{view.sql}\n```\n")
            continue
        table = registry.table(name)
        lines = [f"## {name}", "", table.doc, "", "| column | type | what it tells |", "|---|---|---|"]
        for column in known.of_table(name):
            lines.append(f"| `{column.name}` | {column.type} | {described(column).replace('|', chr(92) + '|')} |")
        lines += ["", "```sql", *(f"{example};" for example in table.examples), "```", ""]
        pages.append("\n".join(lines))
    return "\n".join(pages)
