"""The header of a .sql file: lines `-- key: value` above its SQL, in the file of a saved query or audit.

    -- title: Who holds a port?
    -- description: A value goes on in lines that are set in,
    --   as many as it takes.
    --
    --   A line without text parts paragraphs.
    -- param: port integer The port.
    SELECT …

A key is one word in small letters. `param` may do without its colon. All other comments are remarks, and the header ends where
the SQL begins. Which keys there are, and which may come twice, is up to who reads the fields: any key is in order here.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Field(NamedTuple):
    """A key with its value, whose lines are parted by line feeds, and the number of the line it begins in, from 1."""

    key: str
    value: str
    line: int

    @property
    def text(self) -> str:
        """The value as running text, its paragraphs parted by an empty line."""
        return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\n+", self.value))


class Fault(NamedTuple):
    """What is wrong, and in which line."""

    line: int
    message: str


class Header:
    """A header that was read.

    fields  the fields in their order
    remark  the first paragraph of comments that are no fields, as running text; '' for none
    faults  what is wrong in it; who finds more wrong adds that
    """

    def __init__(self, fields: list[Field], remark: str, faults: list[Fault]) -> None:
        self.fields = fields
        self.remark = remark
        self.faults = faults

    def all(self, key: str) -> list[Field]:
        """The fields of a key that may come more than once."""
        return [field for field in self.fields if field.key == key]

    def one(self, key: str) -> str:
        """The text of a key that comes once; '' when it does not come. A second one is a fault."""
        first, *others = self.all(key) or [Field(key, "", 0)]
        self.faults += [Fault(field.line, f"a second {key}: the first is in line {first.line}") for field in others]
        return first.text

    def words(self, key: str) -> tuple[str, ...]:
        """The words of a key that lists some, parted by commas or spaces."""
        return tuple(word for word in re.split(r"[,\s]+", self.one(key)) if word)


_COMMENT = re.compile(r"--(\s*)(.*)")
_FIELD = re.compile(r"([a-z][a-z0-9_-]*):(?:\s+(.*))?|(param)\s+(\w+\s+\S.*)")


def parse(text: str) -> Header:
    """Read the header of a file's text; one that has none has no fields."""
    fields: list[Field] = []
    remark: list[str] = []
    # The lines of each field's value, and whether one is being read: what is set in below a remark is dropped.
    values: list[list[str]] = []
    is_value = False
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        comment = _COMMENT.fullmatch(line.strip())
        if not comment:
            if line.strip():
                break
            continue
        space, said = comment[1].expandtabs(), comment[2]
        field = _FIELD.fullmatch(said) if len(space) < 2 else None
        if field:
            values.append([field[2] or field[4] or ""])
            is_value = True
            fields.append(Field((field[1] or field[3]).replace("-", "_"), "", number))
        elif is_value and (len(space) > 1 or not said):
            values[-1].append(said)
        else:
            is_value = False
            remark.append(said)
    fields = [field._replace(value="\n".join(lines).strip()) for field, lines in zip(fields, values, strict=True)]
    faults = [Fault(field.line, f"{field.key} has no value") for field in fields if not field.value]
    return Header(fields, _paragraph(remark), faults)


def _paragraph(lines: list[str]) -> str:
    text = "\n".join(lines).strip()
    return " ".join(text.split("\n\n")[0].split())
