"""The keywords that may stand at a place."""

from __future__ import annotations

import apsw

from sqlports.shell.completion.scope import CLAUSE, NEW, START, TYPE, VALUE, Scope


def _listed(text: str) -> list[str]:
    return [keyword.strip() for keyword in text.split(",")]


_STATEMENTS = _listed("SELECT, WITH, VALUES, EXPLAIN QUERY PLAN, EXPLAIN, CREATE TEMP VIEW, DROP VIEW, PRAGMA")
_WRITING = _listed("INSERT INTO, UPDATE, DELETE FROM, CREATE TABLE, CREATE INDEX, DROP TABLE, DROP INDEX, ATTACH, DETACH")
_QUERY = _listed("SELECT, WITH, VALUES")
_JOINS = _listed("JOIN, LEFT JOIN, CROSS JOIN, INNER JOIN, NATURAL JOIN, FULL JOIN, RIGHT JOIN")
_OPERATORS = _listed(
    "AND, OR, IS NULL, IS NOT NULL, IN, NOT IN, LIKE, NOT LIKE, BETWEEN, GLOB, REGEXP, IS, IS NOT, IS DISTINCT FROM, "
    "NOT BETWEEN, NOT GLOB, ISNULL, NOTNULL, COLLATE, ESCAPE, MATCH"
)
_ENDS = _listed("GROUP BY, ORDER BY, LIMIT, UNION, UNION ALL, EXCEPT, INTERSECT, WINDOW")
_SORTING = _listed("DESC, ASC, LIMIT, NULLS FIRST, NULLS LAST, COLLATE")
_FRAME = _listed("PARTITION BY, ORDER BY, ROWS BETWEEN, RANGE BETWEEN, GROUPS BETWEEN")
_BEGINNING = _listed("NOT, CASE, EXISTS, NULL, CAST, CURRENT_TIMESTAMP, CURRENT_DATE, CURRENT_TIME")
_TYPES = _listed("TEXT, INTEGER, REAL, NUMERIC, BLOB")

# What a word needs behind it, whatever the clause.
_AFTER = {
    "GROUP": ["BY"],
    "ORDER": ["BY"],
    "PARTITION": ["BY"],
    "LEFT": ["JOIN", "OUTER JOIN"],
    "RIGHT": ["JOIN", "OUTER JOIN"],
    "FULL": ["JOIN", "OUTER JOIN"],
    "INNER": ["JOIN"],
    "CROSS": ["JOIN"],
    "OUTER": ["JOIN"],
    "NATURAL": [joining for joining in _JOINS if not joining.startswith("NATURAL")],
    "IS": ["NULL", "NOT NULL", "NOT", "DISTINCT FROM"],
    "IS NOT": ["NULL", "DISTINCT FROM"],
    "x NOT": ["IN", "LIKE", "BETWEEN", "GLOB", "NULL", "REGEXP", "MATCH"],
    "UNION": ["ALL", *_QUERY],
    "EXCEPT": _QUERY,
    "INTERSECT": _QUERY,
    "EXPLAIN": ["QUERY PLAN", *_QUERY],
    "QUERY": ["PLAN"],
    "PLAN": _QUERY,
    "CREATE": ["TEMP VIEW", "VIEW", "TABLE", "INDEX", "UNIQUE INDEX", "TRIGGER", "VIRTUAL TABLE"],
    "TEMP": ["VIEW", "TABLE"],
    "TEMPORARY": ["VIEW", "TABLE"],
    "DROP": ["VIEW", "TABLE", "INDEX", "TRIGGER"],
    "NULLS": ["FIRST", "LAST"],
    "NOT": ["EXISTS", "NULL", "CASE", "CAST"],
    "CASE": ["WHEN"],
}
# What goes on with what is not ended.
GOING_ON = {
    "BETWEEN": ["AND", "COLLATE"],
    "CASE": ["WHEN"],
    "WHEN": ["THEN"],
    "THEN": ["WHEN", "ELSE", "END"],
    "ELSE": ["END"],
}


def keywords(scope: Scope) -> list[str]:
    """The keywords that may come next, the likeliest first; some are several words."""
    if scope.last == "COLLATE":
        from sqlports.about.functions import orders

        return [one.name for one in orders()]
    found = _AFTER.get(scope.last)
    if found and not (scope.last in ("CASE", "NOT") and scope.phase != VALUE):
        return found
    if scope.phase == START:
        return _QUERY if scope.around or scope.last else [*_STATEMENTS, *_WRITING]
    if scope.phase == TYPE:
        return _TYPES
    if scope.phase == VALUE:
        return _in_expression(scope)
    if scope.phase == NEW:
        return ["RECURSIVE"] if scope.last == "WITH" else []
    return _in_clause(scope) if scope.phase == CLAUSE else []


def _in_expression(scope: Scope) -> list[str]:
    if scope.shared or scope.clause in ("LIMIT", "OFFSET"):
        return []
    if scope.last == "(":
        return [*_QUERY, "DISTINCT", *_BEGINNING]
    return ["DISTINCT", "ALL", *_BEGINNING] if scope.last == "SELECT" else _BEGINNING


def _in_clause(scope: Scope) -> list[str]:
    """What may come behind an operand, or begin the next clause."""
    calls = ["OVER", "FILTER"] if scope.last == ")" else []
    clause = scope.clause
    if scope.begun:
        return [*GOING_ON[scope.begun[-1]], *calls, *([] if scope.begun[-1] == "BETWEEN" else _OPERATORS)]
    if clause == "FROM":
        joined = ["ON", "USING"] if scope.joined else []
        return [*joined, "WHERE", "JOIN", "LEFT JOIN", *_ENDS, "AS", *_JOINS[2:]]
    if clause == "USING":
        return ["WHERE", "JOIN", "LEFT JOIN", *_ENDS, *_JOINS[2:]]
    if clause == "SELECT":
        return ["FROM", "AS", *calls, *_OPERATORS, "WHERE", *_ENDS]
    if clause == "ON":
        return ["AND", "WHERE", "JOIN", "LEFT JOIN", *_OPERATORS, *_ENDS, *_JOINS[2:]]
    if clause == "WHERE":
        return [*_OPERATORS, *_ENDS]
    if clause == "GROUP BY":
        return ["HAVING", *_ENDS[1:], *_OPERATORS]
    if clause == "HAVING":
        return [*_OPERATORS, *_ENDS[1:]]
    if clause in ("ORDER BY", "PARTITION BY"):
        return [*_SORTING, *(_FRAME[1:] if scope.opener == "OVER" else []), *_OPERATORS]
    return _elsewhere(scope, calls)


def _elsewhere(scope: Scope, calls: list[str]) -> list[str]:
    clause = scope.clause
    if clause == "LIMIT":
        return ["OFFSET"]
    if clause == "OFFSET":
        return []
    if clause == "OVER":
        return _FRAME
    if clause == "FILTER":
        return ["WHERE"]
    if clause == "(":
        return [*(["AS"] if scope.opener == "CAST" else []), *calls, *_OPERATORS, "ORDER BY"]
    if clause == "WITH":
        if scope.last == "AS":
            return ["MATERIALIZED", "NOT MATERIALIZED"]
        return _QUERY if scope.last == ")" else ["AS"]
    if clause == "CREATE":
        return ["AS", "IF NOT EXISTS"]
    if clause == "VALUES":
        return _ENDS[1:]
    # Statements that write are not read closely: any word may come.
    return _ALL


_ALL = sorted(apsw.keywords)
