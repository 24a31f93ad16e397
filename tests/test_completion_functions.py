"""The functions that are told of are those of SQLite and our own, with the arguments that they take."""

from __future__ import annotations

import apsw
import pytest

from sqlports import Engine
from sqlports.about.functions import Function, functions
from sqlports.functions import declared
from sqlports.shell.names import Names

# Told of as operators and keywords, and one that is refused always.
UNTOLD = {"->", "->>", "current_date", "current_time", "current_timestamp", "load_extension"}


@pytest.fixture
def engine():
    with Engine() as engine:
        yield engine


def test_every_function_of_sqlite_and_of_our_own_is_told_of_and_no_other(engine: Engine) -> None:
    built_in = {row[0] for row in engine.connection.execute("SELECT name FROM pragma_function_list WHERE builtin")}
    ours = {function.name for function in declared()}
    assert ours
    assert not ours & built_in
    assert {function.name for function in functions() if function.kind != "rows"} == built_in - UNTOLD | ours


def test_each_takes_as_many_arguments_as_sqlite_says(engine: Engine) -> None:
    for name, count in engine.connection.execute("SELECT name, narg FROM pragma_function_list WHERE builtin"):
        if name not in UNTOLD:
            taking = [function.arity for function in functions() if function.name == name]
            # Less than -1 is any number from some on: -3 from one, -4 from two.
            least = count if count >= 0 else -count - 2 if count < -1 else 0
            assert any(
                few <= least <= (many or least) if count >= 0 else many is None and few >= least for few, many in taking
            ), (name, count, taking)


def test_none_takes_more_or_fewer_than_is_told(engine: Engine) -> None:
    for function in functions():
        few, many = function.arity
        # There are two of the names min and max.
        if function.kind != "rows" and function.name not in ("min", "max"):
            # SQLite lets a function of any number of arguments be called with none, and gives NULL.
            assert many is None or few == 0 or not _takes(engine, function, few - 1), function
            assert many is None or not _takes(engine, function, many + 1), function


def _takes(engine: Engine, function: Function, count: int) -> bool:
    call = f"{function.name}({', '.join(['1'] * count)})"
    over = " OVER ()" if function.kind == "window" else ""
    try:
        engine.connection.execute(f"EXPLAIN SELECT {call}{over}")
    except apsw.SQLError as error:
        if "wrong number of arguments" not in str(error):
            raise
        return False
    return True


def test_each_has_a_kind_and_a_sentence() -> None:
    for function in functions():
        assert function.kind
        assert function.doc[-1] in ".…", function
        assert len(function.doc) < 120


def test_what_gives_rows_stands_after_from(engine: Engine) -> None:
    for function in functions():
        if function.kind == "rows":
            assert engine.query(f"SELECT key FROM {function.name}('[7]') WHERE atom = 7") == [{"key": 0}]


def test_a_signature_has_the_arguments() -> None:
    (substr,) = [function for function in functions() if function.name == "substr"]
    assert (substr.signature, substr.arity) == ("substr(text, start [, length])", (2, 3))
    (log,) = [function for function in functions() if function.name == "log"]
    assert log.arity == (1, 2)


def test_all_of_them_can_be_completed(engine: Engine) -> None:
    assert {function.name for function in Names(engine.connection).functions()} == {function.name for function in functions()}
