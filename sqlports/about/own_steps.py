"""The steps of a plan that are SQLite's own, in words."""

from __future__ import annotations

import re

# SQLite's other steps, by how they begin.
_WORDS = (
    (r"USE TEMP B-TREE FOR (?:LAST.*OF )?ORDER BY", "sorts the rows, before the first is shown"),
    (r"USE TEMP B-TREE FOR (?:LAST.*OF )?GROUP BY", "sorts the rows into groups"),
    (r"USE TEMP B-TREE FOR DISTINCT", "keeps every row that was seen, to leave out those that come again"),
    (r"USE TEMP B-TREE FOR (.+)", "keeps what was seen, for {}"),
    (r"MATERIALIZE (.+)", "makes a table of {} first"),
    (r"CO-ROUTINE (.+)", "takes the rows of {} one by one:"),
    (r"CORRELATED SCALAR SUBQUERY.*", "for each row, a value by itself:"),
    (r"CORRELATED LIST SUBQUERY.*", "for each row, a list:"),
    (r"SCALAR SUBQUERY.*", "once, a value by itself:"),
    (r"LIST SUBQUERY.*", "once, a list:"),
    (r"MULTI-INDEX OR", "looks once for each side of the OR:"),
    (r"(?:UNION|EXCEPT|INTERSECT).* USING TEMP B-TREE", "and then, keeping every row that was seen:"),
    (r"UNION ALL", "and then:"),
    (r"RECURSIVE STEP", "again and again, for each row that was found:"),
    (r"SCAN CONSTANT ROW", "begins with a row of its own"),
    (r"SCAN (\d+) CONSTANT ROWS", "begins with {} rows of its own"),
    (r"SCAN (\S+) VIRTUAL TABLE.*", "takes the rows of {}"),
    (r"SCAN (\S+).*", "goes through {}"),
    (r"SEARCH (\S+) USING AUTOMATIC.*INDEX \((.+)\)", "looks {1} up in {0}, by an index that is made for it"),
    (r"REUSE (.+)", "takes the same again"),
)
# What says nothing to people: what is below it does.
SILENT = ("COMPOUND QUERY", "LEFT-MOST SUBQUERY", "SETUP", "CREATE BLOOM", "BLOOM FILTER", "INDEX ", "MERGE", "LEFT", "RIGHT")


def told(detail: str) -> str:
    """What a step of EXPLAIN QUERY PLAN does."""
    for pattern, words in _WORDS:
        found = re.match(pattern, detail)
        if found:
            return re.sub(r"\(subquery-\d+\)", "a sub-query", words.format(*found.groups()))
    return detail.lower()
