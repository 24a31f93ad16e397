"""What to say of a statement that SQLite does not take: the place, and what was probably meant. Imported when one is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import apsw

from sqlports import registry
from sqlports.advice import foreign
from sqlports.errors import Place, QueryError, Refused, missing, nearest, place
from sqlports.script import Statement, Token, tokens

# The words that begin a statement, and those that stand in the middle of a query.
_STARTS = ("SELECT", "WITH", "VALUES", "EXPLAIN", "CREATE", "DROP", "PRAGMA")
_KEYWORDS = ("FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "JOIN", "USING", "UNION", "INTERSECT", "EXCEPT")

# What most questions are about is named first.
_FIRST = ("processes", "sockets", "handles", "port_registry", "users")
_CHANGING = r"(?:UPDATE|INSERT|DELETE|REPLACE|ALTER|TRUNCATE|KILL|SET|GRANT|REVOKE|MERGE|CALL|COPY)\b"


def explain(error: apsw.Error, statement: Statement, connection: apsw.Connection) -> QueryError:
    """SQLite's error with the place it speaks of and what was probably meant."""
    message, sql = str(error), statement.sql
    words = tokens(sql)
    offset = getattr(error, "error_offset", -1)
    at = _characters(sql, offset) if offset >= 0 else None
    if message == "incomplete input":
        return _unfinished(statement, words)
    if message.startswith("unrecognized token") or "syntax error" in message:
        return _misspelt(message, statement, words, len(sql) if at is None else at)
    if isinstance(error, apsw.SQLError) and "no query solution" in message:
        return _lacking(message, statement, words)
    name = message.removeprefix("table ").removesuffix(" may not be modified")
    if name in registry.table_names():
        return Refused(f"the table {name} cannot be changed: it is what the system says", _word(statement, words, name))
    absent = missing(message)
    if absent:
        return _absent(message, *absent, statement, words, connection, at)
    hint, word = _hint(message, statement, words, connection)
    found = _at(statement, at) if at is not None else _word(statement, words, word) if word else None
    return QueryError(message, found, hint)


def _hint(message: str, statement: Statement, words: list[Token], connection: apsw.Connection) -> tuple[str | None, str | None]:
    """What to say of other messages, and the word that they are about."""
    ambiguous = re.fullmatch("ambiguous column name: (.+)", message)
    if ambiguous:
        whose = [
            f"{alias}.{ambiguous[1]}"
            for alias, name in relations(words).items()
            if ambiguous[1].lower() in columns(connection, name)
        ]
        return f"say whose: {' or '.join(whose) or 'TABLE.' + ambiguous[1]}", None
    arguments = re.fullmatch(r"wrong number of arguments to function (\w+)\(\)", message)
    if arguments:
        return _signature(arguments[1], connection), arguments[1]
    using = re.match("cannot join using column (.+) - column not present in both tables", message)
    if using:
        there = [set(columns(connection, name)) for name in relations(words).values()]
        common = sorted(set.intersection(*there)) if there else []
        meant = nearest(using[1], common)
        said = (
            f"did you mean {meant}?"
            if meant
            else f"both have {', '.join(common)}"
            if common
            else "they have no column in common"
        )
        return said, using[1]
    if message.startswith("misuse of aggregate"):
        return "conditions on a group stand behind GROUP BY, in HAVING", None
    return None, None


def _signature(function: str, connection: apsw.Connection) -> str | None:
    counts = connection.execute("SELECT DISTINCT narg FROM pragma_function_list WHERE name = ? ORDER BY 1", (function.lower(),))
    takes = ["any number" if count < 0 else str(count) for (count,) in counts]
    return f"{function} takes {' or '.join(takes)} of them" if takes else None


def _absent(
    message: str, kind: str, name: str, statement: Statement, words: list[Token], connection: apsw.Connection, at: int | None
) -> QueryError:
    """A table, column or function that is not there."""
    whose, _, last = name.rpartition(".")
    aliases = relations(words)
    hint: str | None = None
    if kind == "column" and whose and whose.lower() not in {alias.lower() for alias in aliases}:
        known = ", ".join(alias if alias == table else f"{alias} ({table})" for alias, table in aliases.items())
        hint = f"no table is called {whose} here: there is {known}" if known else None
    elif kind == "column":
        tables = [table for alias, table in aliases.items() if not whose or alias.lower() == whose.lower()]
        there = [column for table in tables for column in columns(connection, table)]
        meant = next((name for name in foreign.COLUMNS.get(last.lower(), ()) if name in there), None)
        if meant:
            place = _at(statement, at) if at is not None else _word(statement, words, last)
            return QueryError(message, place, f"that is {meant} here")
        meant = nearest(last, there)
        elsewhere = sorted(
            (table for table in registry.table_names() if last.lower() in registry.table(table).position),
            key=lambda table: _FIRST.index(table) if table in _FIRST else len(_FIRST),
        )
        if elsewhere and not aliases and not any(word.word == "FROM" for word in words):
            hint = f"there is no FROM: SELECT {last} FROM {elsewhere[0]}"  # noqa: S608 a hint
        elif elsewhere and (not meant or not _is_near(last, meant)):
            hint = f"there is one in {_listed(elsewhere)}"
        elif meant:
            hint = f"did you mean {meant}?"
    else:
        meant = nearest(last, _names(kind, connection))
        otherwise = "sqlports tables lists what there is, .tables at the prompt" if kind == "table" else None
        hint = f"did you mean {meant}?" if meant else otherwise
    found = _at(statement, at) if at is not None else _word(statement, words, last)
    return QueryError(message, found, hint)


def _is_near(name: str, other: str) -> bool:
    import difflib

    return other.startswith(name.lower()) or difflib.SequenceMatcher(None, name.lower(), other).ratio() > 0.75


def _listed(names: Sequence[str]) -> str:
    few = list(names[:3])
    return ", ".join(few) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _unfinished(statement: Statement, words: list[Token]) -> QueryError:
    """What is open at the end, and where it was opened."""
    comment = re.search(r"/\*(?:(?!\*/).)*\Z", _without(statement.sql, words), re.DOTALL)
    if comment:
        return QueryError("the comment that begins here is not ended: */ is missing", _at(statement, comment.start()))
    opened: list[Token] = []
    for word in words:
        if word.text == "(" or word.word == "CASE":
            opened.append(word)
        elif opened and (word.text, word.word) in ((")", ""), (word.text, "END")):
            opened.pop()
    if opened:
        last = opened[-1]
        lacks = ("the ( here is not closed", ")") if last.text == "(" else ("the CASE here is not ended", "END")
        return QueryError(f"incomplete input: {lacks[0]}, {lacks[1]} is missing", _at(statement, last.start))
    after = f": something is missing after {words[-1].text}" if words and words[-1].text != ";" else ""
    return QueryError(f"incomplete input{after}", _at(statement, len(statement.sql.rstrip())))


def _without(sql: str, words: list[Token]) -> str:
    """The SQL with its words overwritten, so that its comments are left."""
    blanked = list(sql)
    for word in words:
        blanked[word.start : word.end] = " " * len(word.text)
    return "".join(blanked)


def _misspelt(message: str, statement: Statement, words: list[Token], at: int) -> QueryError:
    """A word that no SQL has there."""
    sql = statement.sql
    found, opening = _at(statement, at), sql[at : at + 1]
    whole = " ".join(sql.strip().rstrip(";").split())
    here_it_is = foreign.hint(whole)
    if here_it_is:
        return QueryError(f"this is no SQL: {whole}" if len(whole) < 40 else message, found, here_it_is)
    if re.match(_CHANGING, whole, re.IGNORECASE):
        return Refused(f"{whole.split()[0].upper()} is refused: queries only read, and change nothing", found)
    if message.startswith("unrecognized token") and opening in "'\"`[":
        what = "text" if opening == "'" else "name"
        closing = "]" if opening == "[" else opening
        hint = "within a text it is written twice: ''" if opening == "'" else None
        return QueryError(f"the {what} that begins here is not ended: {closing} is missing", found, hint)
    here = next((number for number, word in enumerate(words) if word.start >= at), len(words))
    if here == 0 and words and words[0].word:
        return QueryError(message, found, _meant(words[0], _STARTS))
    # What is misspelt may have been taken for a name, and the word behind it stands out.
    for word in words[max(here - 1, 1) : here + 1][::-1]:
        hint = _meant(word, _KEYWORDS) if word.word not in (*_KEYWORDS, *apsw.keywords) else None
        if hint:
            return QueryError(message, _at(statement, word.start), hint)
    hint = None
    if 0 < here <= len(words) and words[here - 1].word in ("ORDER", "GROUP", "PARTITION"):
        hint = f"did you mean {words[here - 1].word} BY?"
    elif here < len(words) and words[here].text == ")" and _depth(words[:here]) <= 0:
        hint = "no ( is open here"
    elif 0 < here < len(words) and words[here].word in _STARTS and "\n" in sql[words[here - 1].end : words[here].start]:
        hint = "is a ; missing before it?"
    elif 0 < here < len(words) and words[here - 1].text == "," and words[here].word in _KEYWORDS:
        hint = "something is missing behind the comma, or the comma is one too many"
    return QueryError(message, found, hint)


def _depth(words: Sequence[Token]) -> int:
    return sum((word.text == "(") - (word.text == ")") for word in words)


def _meant(word: Token, keywords: Sequence[str]) -> str | None:
    import difflib

    close = difflib.get_close_matches(word.text.upper(), keywords, n=1, cutoff=0.7) if word.kind == "name" else []
    return f"did you mean {close[0]}?" if close else None


def _lacking(message: str, statement: Statement, words: list[Token]) -> QueryError:
    """Which tables cannot do without a WHERE, and which: none of them is offered without."""
    tables = [registry.table(name) for name in tables_of(statement.sql, words)]
    needing = [table for table in tables if table.needed]
    if not needing:
        return QueryError(message)
    aliases = {table: alias for alias, table in relations(words).items()}
    # With a name of its own the columns are best written by that.
    whose = aliases.get(needing[0].name, needing[0].name)
    hint = f"here it is {whose}" if len(needing) == 1 and whose != needing[0].name else None
    return QueryError("; ".join(table.lacking for table in needing), _word(statement, words, needing[0].name), hint)


def tables_of(sql: str, words: list[Token] | None = None) -> list[str]:
    """The tables that a statement names, and those of the views that it names."""
    named = {
        word.text.strip('"`[]').lower() for word in (tokens(sql) if words is None else words) if word.kind in ("name", "quoted")
    }
    found = [name for name in registry.table_names() if name in named]
    for view in registry.view_names():
        if view in named:
            found += [name for name in tables_of(registry.view(view).sql) if name not in found]
    return found


def relations(words: list[Token]) -> dict[str, str]:
    """The tables and views that a statement names in FROM and JOIN: alias -> name."""
    return dict(_named(words))


def _named(words: list[Token]) -> Iterator[tuple[str, str]]:
    known = {*registry.table_names(), *registry.view_names()}
    for number, word in enumerate(words):
        name = word.text.strip('"`[]').lower()
        before = words[number - 1] if number else None
        if name not in known or before is None or not (before.word in ("FROM", "JOIN") or before.text in (",", "(")):
            continue
        after = words[number + 1 : number + 3]
        if after and after[0].word == "AS":
            after = after[1:]
        if after and after[0].kind in ("name", "quoted") and after[0].word not in apsw.keywords:
            yield after[0].text.strip('"`[]'), name
        elif not (after and after[0].text == "."):
            yield name, name


def columns(connection: apsw.Connection, name: str) -> list[str]:
    """The names of a table's or a view's columns, hidden ones too; not those that are never filled."""
    declared = registry.table(name).columns if name in registry.table_names() else ()
    never = {column.name for column in declared if column.path is None}
    rows = connection.execute("SELECT name FROM pragma_table_xinfo(?)", (name,))
    return [str(row[0]) for row in rows if row[0] not in never]


def _names(kind: str, connection: apsw.Connection) -> list[str]:
    """The names of a kind that a statement could use."""
    if kind == "table":
        return [*registry.table_names(), *registry.view_names()]
    lists = {
        "function": "SELECT DISTINCT name FROM pragma_function_list",
        "collation sequence": "SELECT name FROM pragma_collation_list",
    }
    return [str(row[0]) for row in connection.execute(lists[kind])] if kind in lists else []


def _characters(sql: str, offset: int) -> int:
    """SQLite counts bytes; people count characters."""
    return len(sql.encode()[:offset].decode(errors="ignore"))


def _at(statement: Statement, position: int) -> Place:
    return place(statement.script, statement.start + position)


def _word(statement: Statement, words: list[Token], name: str) -> Place | None:
    """The place of a name: where it is joined, if it is that; else where it stands first."""
    there = [word for word in words if word.text.strip('"`[]').lower() == name.lower() and word.kind in ("name", "quoted")]
    joined = [
        word for number, word in enumerate(words) if word in there and number and words[number - 1].word in ("FROM", "JOIN")
    ]
    return _at(statement, (joined or there)[0].start) if there else None
