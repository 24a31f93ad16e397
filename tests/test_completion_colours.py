"""The colours of what is typed."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from prompt_toolkit.document import Document

from sqlports import Engine
from sqlports.shell import colours
from sqlports.shell.names import Names


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    with Engine() as engine:
        yield Names(engine.connection)


@pytest.fixture(autouse=True)
def _in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def kinds(names: Names):
    """The kinds of the words of an input."""

    def of(text: str) -> dict[str, str]:
        return {piece: kind for _, kind, piece in colours.pieces(text, names)}

    return of


def test_pieces_of_sql_have_their_kinds(kinds) -> None:
    found = kinds("SELECT p.name, count(*), 'it''s', 1.5, :port /* or */ FROM processes p WHERE nonsense -- so")
    assert {word for word, kind in found.items() if kind == "Keyword"} == {"SELECT", "FROM", "WHERE"}
    assert found["processes"] == "Name.Class"
    assert found["name"] == "Name.Attribute"
    assert found["count"] == "Name.Function"
    assert found["'it''s'"] == "Literal.String"
    assert found["1.5"] == "Literal.Number"
    assert found[":port"] == "Name.Variable"
    assert found["/* or */"] == found["-- so"] == "Comment"
    assert found["nonsense"] == "Name"


def test_a_name_is_told_by_its_place(kinds) -> None:
    # `threads` is a table, and a column of processes; `key` and `offset` are keywords, and columns.
    assert kinds("SELECT 1 FROM threads")["threads"] == "Name.Class"
    assert kinds("SELECT threads FROM processes")["threads"] == "Name.Attribute"
    assert kinds("SELECT h.offset FROM handles h")["offset"] == "Name.Attribute"
    assert kinds("SELECT h.offset FROM handles h LIMIT 1 OFFSET 2")["OFFSET"] == "Keyword"
    assert kinds("SELECT replace(a, b)")["replace"] == "Name.Function"


def test_what_is_not_ended_is_what_it_begins(kinds) -> None:
    assert kinds("SELECT 'LIS")["'LIS"] == "Literal.String"
    assert kinds("SELECT /* so")["/* so"] == "Comment"


def test_commands_are_told_from_what_is_none(kinds) -> None:
    assert kinds(".mode json")[".mode"] == "Name.Builtin"
    assert kinds(".mo")[".mo"] == "Name.Builtin"
    assert kinds(".nonsense")[".nonsense"] == "Error"
    assert kinds("help")["help"] == "Name.Builtin"
    assert kinds(".watch 2 SELECT pid FROM processes")["SELECT"] == "Keyword"


@pytest.mark.parametrize(
    "text",
    ["", " ", "SELECT\n'a\n' \n", ".x", " .mode  json ;", ".watch", "\x1b[31m'\udcff", "exit;", "a" * 3000, "SELECT 1\n.quit"],
)
def test_all_of_an_input_is_drawn_once(names: Names, text: str) -> None:
    found = list(colours.pieces(text, names))
    assert "".join(piece for *_, piece in found) == text
    assert [start for start, *_ in found] == [sum(len(piece) for *_, piece in found[:number]) for number in range(len(found))]


def test_the_lexer_gives_each_line_its_kinds(names: Names) -> None:
    lexer = colours.lexer(names)
    assert lexer
    line = lexer.lex_document(Document("SELECT 'two\nlines' FROM users"))
    assert ("class:pygments.literal.string", "lines'") in [(style, text) for style, text, *_ in line(1)]
    assert ("class:pygments.name.class", "users") in [(style, text) for style, text, *_ in line(1)]


def test_every_kind_has_a_colour_that_can_be_read_on_black_and_on_white() -> None:
    style = colours.style()
    assert style
    for kind in colours.COLOURS:
        found = style.get_attrs_for_style_str(f"class:pygments.{kind.lower()}").color
        assert found
        channels = [int(found[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        light = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        luminance = sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), light, strict=True))
        # Contrast as WCAG 2 has it.
        assert (luminance + 0.05) / 0.05 >= 4, kind
        assert 1.05 / (luminance + 0.05) >= 4, kind


def test_there_are_none_with_no_color_set(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert colours.lexer(names) is colours.style() is None


def test_there_are_none_without_pygments(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    colours._installed.cache_clear()
    monkeypatch.setitem(sys.modules, "pygments", None)
    assert colours.lexer(names) is colours.style() is None
    colours._installed.cache_clear()


def test_an_input_that_nobody_types_has_no_colours(names: Names) -> None:
    text = "SELECT 1" + ", 1" * 100_000
    assert list(colours.pieces(text, names)) == [(0, "Text", text)]
