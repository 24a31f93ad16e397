"""All there is to know of a table or a view: for people a page, for machines an object."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlports import registry
from sqlports.about import known
from sqlports.about.costs import ROWS, is_once, parts_of, reads

if TYPE_CHECKING:
    import apsw

    from sqlports.about.known import Known

# What means the same wherever it stands, and the table that has a row of each; None where several have many.
_SHARED = {
    ("pid",): "processes",
    ("uid",): "users",
    ("gid",): "groups",
    ("inode",): None,
    ("cookie",): "sockets",
    ("port", "protocol"): "port_registry",
    ("net_namespace",): "net_namespaces",
}
# Another system's codes, or an inode of another kind: no join by these.
_APART = {"inode": ("file", "process_memory_map"), "protocol": ("listening_ports", "process_open_sockets")}


def facts(name: str, connection: apsw.Connection) -> dict[str, Any]:
    """What there is to know, as an object. Raises KeyError when there is no such table."""
    columns = known.columns(name, connection)
    found: dict[str, Any] = {"name": name}
    if name in registry.view_names():
        view = registry.view(name)
        found |= {"kind": "view", "description": view.doc, "key": [], "needs": [], "rows": None, "reads": None}
        found |= {"sql": view.sql, "examples": examples(name)}
    else:
        table = registry.table(name)
        found |= {"kind": "table", "description": table.doc, "key": list(table.key), "needs": needs(name), "rows": table.rows}
        found |= {"reads": ROWS[name][0], "sql": None, "examples": list(table.examples)}
    parts = {}
    if found["kind"] == "table":
        parts = {column.name: "; ".join(reads(name, [column])) for column in table.columns if not column.hidden}
    found["columns"] = [
        {
            "column": column.name,
            "type": column.type or None,
            "description": column.doc,
            "hidden": column.hidden,
            "key": column.key,
            "needed": column.needed,
            "search": column.search or None,
            "reads": parts.get(column.name) or None,
            "choices": list(column.choices) or None,
        }
        for column in columns
    ]
    found["joins"] = [{"by": list(by), "tables": tables} for by, tables in joins(name, connection)]
    return found


def needs(name: str) -> list[str]:
    """The columns that a query has to give; of those behind each other by `or` one."""
    table = registry.table(name)
    return [*sorted(table.required), *([" or ".join(table.either)] if table.either else [])]


def examples(name: str) -> list[str]:
    """The examples of a table; of a view what shows it whole, and by what is counted most."""
    if name not in registry.view_names():
        return list(registry.table(name).examples)
    told = registry.view(name).columns
    by = next((column for column in ("protocol", "name", "pid") if column in told), None)
    counted = [f"SELECT {by}, count(*) FROM {name} GROUP BY 1 ORDER BY 2 DESC"] if by else []  # noqa: S608 names of ours
    return [f"SELECT * FROM {name}", *counted]  # noqa: S608


def joins(name: str, connection: apsw.Connection) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """By which columns it is joined to which tables."""
    for by, home in _SHARED.items():
        if not _has(name, by, connection):
            continue
        if home is not None and home != name:
            yield by, [home]
            continue
        others = [other for other in registry.table_names() if other != name and _has(other, by, connection)]
        if others:
            yield by, others


def _has(name: str, by: Sequence[str], connection: apsw.Connection) -> bool:
    there = {
        column.name for column in known.columns(name, connection) if column.name != "net_namespace" or column.type == "INTEGER"
    }
    return there.issuperset(by) and not any(name in _APART.get(column, ()) for column in by)


def page(name: str, connection: apsw.Connection, columns: int | None, runs: str = "") -> str:
    """The same for people, `columns` wide; `runs` says how an example is run. Raises KeyError when there is no such table."""
    width = max(min(columns or 80, 100), 30)
    found = facts(name, connection)
    lines = [f"{name}, a {found['kind']}", ""]
    for paragraph in found["description"].split("\n\n"):
        lines += [*textwrap.wrap(" ".join(paragraph.split()), width), ""]
    lines += _head(found, width)
    lines += ["Columns", *_columns(known.columns(name, connection), width)]
    parts = parts_of(name) if found["kind"] == "table" else {}
    if parts:
        lines += ["", "What is read for them"]
        for what, names in parts.items():
            told = f"{what}:" if is_once(what) else what
            lines += textwrap.wrap(f"{told}  {', '.join(names)}", width, initial_indent="  ", subsequent_indent="      ")
    if found["joins"]:
        lines += ["", "Joins"]
        for join in found["joins"]:
            text = f"USING ({', '.join(join['by'])})  {', '.join(join['tables'])}"
            lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="      ")
    if found["sql"]:
        lines += ["", "SQL", *(f"  {line}" for line in found["sql"].splitlines())]
    lines += ["", "Examples" + runs]
    for number, example in enumerate(found["examples"], 1):
        lines += textwrap.wrap(
            example, width, initial_indent=f"  {number}  ", subsequent_indent="     ", break_on_hyphens=False
        )
    return "\n".join(lines) + "\n"


def _head(found: dict[str, Any], width: int) -> list[str]:
    told = {
        "Key": ", ".join(found["key"]),
        "Needs": " and ".join(f"WHERE {one.replace(' or ', ' = … or ')} = …" for one in found["needs"]),
        "Rows": f"about {found['rows']:,}; it {found['reads']}" if found["rows"] else "",
    }
    lines: list[str] = []
    for title, text in told.items():
        lines += textwrap.wrap(text, width, initial_indent=f"{title:<7}", subsequent_indent=" " * 7) if text else []
    return [*lines, ""] if lines else []


def _columns(columns: Sequence[Known], width: int) -> Iterator[str]:
    """The columns with their types, what they mean and how they are searched, the hidden ones last."""
    longest = max(len(column.name) for column in columns)
    margin = min(longest, 20) + 2 + 9
    # Too narrow for two columns of text, the meaning stands below.
    is_narrow = width - margin < 30
    for column in sorted((column for column in columns if column.filled), key=lambda column: column.hidden):
        head = f"  {column.name:<{min(longest, 20)}} {column.type:<8}"
        text = described(column)
        if is_narrow or len(head) > margin:
            yield head.rstrip()
            yield from textwrap.wrap(text, width, initial_indent=" " * min(margin, 6), subsequent_indent=" " * min(margin, 6))
        else:
            yield from textwrap.wrap(text, width, initial_indent=head, subsequent_indent=" " * margin) or [head.rstrip()]
    others = ", ".join(column.name for column in columns if not column.filled)
    if others:
        yield from textwrap.wrap(
            f"NULL here, for queries of other systems: {others}.", width, initial_indent="  ", subsequent_indent="      "
        )


def _names_them(column: Known) -> bool:
    """Whether the doc has the choices already; of a view it has those that are left in it."""
    named = {*re.findall(r"'([^']*)'", column.doc), *re.findall(r"(?<!\w)(\w) \w", column.doc)}
    return named.issuperset(column.choices) or (column.derived and len(named) > 1)


def described(column: Known) -> str:
    """What a column means, what it may be and how it is searched, in sentences."""
    told = [column.doc]
    if column.choices and not _names_them(column):
        told.append(f"One of {', '.join(column.choices)}.")
    if column.key:
        told.append("Key.")
    if column.needed:
        told.append("Needed.")
    if column.search:
        told.append(f"Searched by {column.search}.")
    if column.hidden:
        told.append("Hidden.")
    return " ".join(filter(None, told))
