"""parquet and arrow: columns of one type each, for programs that calculate."""

from __future__ import annotations

import importlib
import io
import marshal
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlports.cells import blob
from sqlports.errors import Error
from sqlports.modes import Look, Output, Row, Written
from sqlports.script import distinct

# Rows of a record batch, or of a row group.
BATCH = 16_384
# What is kept in memory of the rows before their types are known, in bytes; the rest waits in a file.
MEMORY = 32 << 20
# Up to here every integer is a float too.
_EXACT = 1 << 53


def parquet(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """A Parquet file."""
    return _columnar(columns, rows, output, look, _library("parquet", "pyarrow.parquet", output).ParquetWriter)


def arrow(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """A stream of Arrow's record batches, as its IPC format has it."""
    return _columnar(columns, rows, output, look, _library("arrow", "pyarrow.ipc", output).new_stream)


def _library(mode: str, name: str, output: Output) -> Any:
    """What writes a mode. Raises Error where it is not there, or the output is not for it."""
    if output.columns:
        raise Error(f"{mode} is nothing for a terminal: give it a file (--output FILE, at the prompt .once FILE) or a pipe")
    if output.begun:
        raise Error(f"{mode} holds one result, and this is another: write each to a file of its own")
    try:
        return importlib.import_module(name)
    except ImportError:
        raise Error(f"{mode} needs pyarrow: pip install 'sqlports[arrow]'") from None


def _columnar(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look, writer: Any) -> Written:
    """Write the rows once all of them have told what types their columns have."""
    pyarrow = importlib.import_module("pyarrow")
    kinds = [_Kind() for _ in columns]
    count = 0
    with tempfile.SpooledTemporaryFile(MEMORY) as waiting:
        while batch := list(islice(rows, BATCH)):
            for kind, values in zip(kinds, zip(*batch, strict=True), strict=True):
                kind.look(values)
            marshal.dump(batch, waiting)
            count += len(batch)
        declared = look.declared or [""] * len(columns)
        types = [getattr(pyarrow, kind.type(name))() for kind, name in zip(kinds, declared, strict=True)]
        schema = pyarrow.schema(list(zip(distinct(columns), types, strict=True)))
        waiting.seek(0)
        with writer(pyarrow.PythonFile(_Sink(output), mode="w"), schema) as file:
            for _ in range(0, count, BATCH):
                read = zip(*marshal.load(waiting), strict=True)  # noqa: S302 written above
                arrays = [
                    pyarrow.array(map(_text, column) if kind.mixed else column, kept)
                    for kind, kept, column in zip(kinds, types, read, strict=True)
                ]
                file.write_batch(pyarrow.record_batch(arrays, schema))
    mixed = [name for name, kind in zip(columns, kinds, strict=True) if kind.mixed]
    remark = f"written as text, having values of several types: {', '.join(mixed)}" if mixed else None
    return Written(count, remark=remark)


class _Kind:
    """What the values of a column are. NULL is of every type."""

    def __init__(self) -> None:
        self.found: set[type] = set()
        self.exact = True

    def look(self, values: Sequence[Any]) -> None:
        """Take notice of some of its values."""
        found = set(map(type, values)) - {type(None)}
        self.found |= found
        if int in found and self.exact:
            self.exact = all(-_EXACT <= value <= _EXACT for value in values if type(value) is int)

    @property
    def mixed(self) -> bool:
        """Whether only text holds all of its values as they are."""
        return len(self.found) > 1 and not (self.found == {int, float} and self.exact)

    def type(self, declared: str) -> str:
        """Arrow's name for its type; where there is no value, by the type that is declared, as SQLite reads that."""
        if self.mixed:
            return "utf8"
        if self.found:
            return _TYPES[float if float in self.found else next(iter(self.found))]
        name = declared.upper()
        words = (("INT", "int64"), ("BLOB", "binary"), ("REAL", "float64"), ("FLOA", "float64"), ("DOUB", "float64"))
        return next((found for word, found in words if word in name), "utf8")


_TYPES: dict[type, str] = {int: "int64", float: "float64", str: "utf8", bytes: "binary"}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return blob(value) if isinstance(value, bytes) else repr(value)


class _Sink(io.RawIOBase):
    """An output as a file of bytes."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        taken = bytes(data)
        self._output.write_bytes(taken)
        return len(taken)
