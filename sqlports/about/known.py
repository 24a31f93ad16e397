"""What is known of the columns of tables and views: a view's are those of its tables, or what its SQL tells of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlports import registry
from sqlports.column import SPOKEN, SQL_TYPES, Column
from sqlports.script import Token, tokens

if TYPE_CHECKING:
    import apsw

_SEARCHES = {"values": "=, IN", "bounds": "range", "search": "=, IN, range", "names": "=, IN, LIKE, GLOB"}
# Functions that give one type whatever they are given.
_GIVES = {
    "COUNT": "INTEGER",
    "LENGTH": "INTEGER",
    "INSTR": "INTEGER",
    "EXISTS": "INTEGER",
    "NOT": "INTEGER",
    "ROUND": "REAL",
    "AVG": "REAL",
    "LOWER": "TEXT",
    "UPPER": "TEXT",
    "GROUP_CONCAT": "TEXT",
    "STRING_AGG": "TEXT",
    "PRINTF": "TEXT",
    "FORMAT": "TEXT",
    "SUBSTR": "TEXT",
    "REPLACE": "TEXT",
    "JSON_GROUP_ARRAY": "TEXT",
}


class Known(NamedTuple):
    """A column.

    type      SQL's; '' for one that is not known
    doc       what it means
    hidden    whether SELECT * leaves it out
    choices   all texts that it ever has, where they are known and few
    search    the operators by which the table searches it without reading all; '' for none
    group     the part of a row that is read for it; None when it costs nothing, or that is not known
    key       whether it is one of the columns that tell a row from every other
    needed    whether a query has to give it, or one of several such
    filled    whether this product fills it: others are there for queries that were written for other systems
    derived   whether it is a view's, whose doc tells what is left of the choices
    """

    name: str
    type: str = ""
    doc: str = ""
    hidden: bool = False
    choices: tuple[str, ...] = ()
    search: str = ""
    group: str | None = None
    key: bool = False
    needed: bool = False
    derived: bool = False
    filled: bool = True


def columns(relation: str, connection: apsw.Connection) -> tuple[Known, ...]:
    """The columns of a table or view of ours, in the order of SELECT *. Raises KeyError when there is none of this name."""
    if relation in registry.view_names():
        return _of_view(relation, connection)
    return of_table(relation)


def of_table(name: str) -> tuple[Known, ...]:
    """The columns of a table. Raises KeyError."""
    table = registry.table(name)
    return tuple(
        Known(
            column.name,
            SQL_TYPES[column.kind],
            column.doc,
            column.hidden,
            column.choices,
            _SEARCHES.get(table.searches.get(column.name, ""), ""),
            column.group,
            column.name in table.key,
            column.name in table.needed,
            filled=column.path is not None,
        )
        for column in table.columns
    )


def column_of(relation: str, name: str, connection: apsw.Connection) -> Column | None:
    """A column as a table declares it; of a view, what is known of it so. None where there is none, or too little is known."""
    kinds = {name: kind for kind, name in SQL_TYPES.items()}
    for known in columns(relation, connection):
        if known.name == name and known.type in kinds:
            return Column(name, kinds[known.type], None, known.doc, choices=known.choices)
    return None


# The same by whatever connection they were asked for, which is not to be kept for it.
_VIEWS: dict[str, tuple[Known, ...]] = {}


def _of_view(name: str, connection: apsw.Connection) -> tuple[Known, ...]:
    if name not in _VIEWS:
        _VIEWS[name] = _read_view(name, connection)
    return _VIEWS[name]


def _read_view(name: str, connection: apsw.Connection) -> tuple[Known, ...]:
    view = registry.view(name)
    words = tokens(view.sql)
    named = {word.text for word in words}
    # What it is made of: tables and other views.
    made_of = [
        column
        for other in (*registry.table_names(), *registry.view_names())
        if other in named and other != name
        for column in columns(other, connection)
    ]
    return tuple(_found(column, view.columns.get(column[0], ""), words, made_of) for column in _described(name, connection))


def _described(name: str, connection: apsw.Connection) -> list[Any]:
    """What SQLite says of a view's columns: name, declared type, and the database, table and column that it is."""
    import apsw

    described: list[Any] = []

    def describe(cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
        described.extend(cursor.description_full or ())
        return False

    cursor = connection.cursor()
    cursor.exec_trace = describe
    with suppress(apsw.ExecTraceAbort):
        cursor.execute(f"SELECT * FROM {name}", can_cache=False)  # noqa: S608 a name of ours
    return described


def _found(described: Any, doc: str, words: list[Token], made_of: list[Known]) -> Known:
    name, declared, _, relation, origin = described
    if relation in registry.table_names():
        table = registry.table(relation)
        column = table.columns[table.position[origin]]
        return Known(name, SQL_TYPES[column.kind], doc or column.doc, choices=column.choices, derived=True)
    expression = _expression(name, words)
    alike = [column for column in made_of if column.name == name]
    if not expression and len(alike) == 1:
        return Known(name, alike[0].type, doc, choices=alike[0].choices, derived=True)
    declared = SPOKEN.get(declared or "", declared or "")
    texts = _texts(expression)
    return Known(
        name, declared or ("TEXT" if texts else _type(expression or words[:0], made_of)), doc, choices=texts, derived=True
    )


def _expression(name: str, words: list[Token]) -> list[Token]:
    """What stands before `AS name` in a list of columns."""
    for number, word in enumerate(words):
        if word.word != "AS" or number + 1 == len(words) or words[number + 1].text != name:
            continue
        first, depth = number, 0
        while first and (depth or not (words[first - 1].text == "," or words[first - 1].word in ("SELECT", "DISTINCT"))):
            first -= 1
            depth += (words[first].text == ")") - (words[first].text == "(")
        return words[first:number]
    return []


def _results(expression: list[Token]) -> list[list[Token]]:
    """What a CASE may give; the expression itself, if it is none."""
    if not expression or expression[0].word != "CASE" or expression[-1].word != "END":
        return [expression]
    found: list[list[Token]] = []
    depth, is_result = 0, False
    for word in expression[1:-1]:
        depth += (word.text == "(" or word.word == "CASE") - (word.text == ")" or word.word == "END")
        if depth == 0 and word.word in ("THEN", "ELSE"):
            found.append([])
            is_result = True
        elif depth == 0 and word.word == "WHEN":
            is_result = False
        elif is_result:
            found[-1].append(word)
    return found


def _texts(expression: list[Token]) -> tuple[str, ...]:
    """The texts that a CASE chooses from; () for any other expression."""
    results = [result for result in _results(expression) if not (len(result) == 1 and result[0].word == "NULL")]
    if expression and expression[0].word == "CASE" and all(len(one) == 1 and one[0].kind == "text" for one in results):
        return tuple(dict.fromkeys(one[0].text[1:-1].replace("''", "'") for one in results))
    return ()


def _type(expression: list[Token], made_of: list[Known]) -> str:
    """The type of an expression, as far as its words tell it."""
    types = {_simple(result, made_of) for result in _results(expression)} - {"NULL"}
    return types.pop() if len(types) == 1 else ""


def _selected(words: list[Token]) -> list[Token]:
    """What a SELECT of one column gives: the words up to its FROM, or the bracket that ends it."""
    depth = 0
    for number, word in enumerate(words):
        depth += (word.text == "(") - (word.text == ")")
        if depth < 0 or (depth == 0 and word.word == "FROM"):
            return words[:number]
    return words


def _simple(words: list[Token], made_of: list[Known]) -> str:
    if not words:
        return ""
    first, last = words[0], words[-1]
    if first.word == "NULL":
        return "NULL"
    if len(words) == 1 and first.kind in ("text", "number"):
        return "TEXT" if first.kind == "text" else "REAL" if "." in first.text else "INTEGER"
    if last.kind == "name" and (len(words) == 1 or (len(words) == 3 and words[1].text == ".")):
        types = {column.type for column in made_of if column.name == last.text}
        return types.pop() if len(types) == 1 else ""
    if first.text == "(" and words[1].word == "SELECT":
        return _type(_selected(words[2:]), made_of)
    if any(word.text == "||" for word in words):
        return "TEXT"
    if first.word == "CAST":
        return SPOKEN.get(words[-2].word, words[-2].word)
    if first.word in ("COALESCE", "IFNULL") and len(words) > 3:
        return _simple(words[2:3] if words[3].text == "," else words[-2:-1], made_of)
    if first.word in ("MIN", "MAX", "SUM") and len(words) == 4:
        return _simple(words[2:3], made_of)
    if first.word in _GIVES and last.text == ")":
        return _GIVES[first.word]
    is_whole = all(word.kind != "number" or "." not in word.text for word in words)
    return "INTEGER" if first.kind == "number" and is_whole else ""
