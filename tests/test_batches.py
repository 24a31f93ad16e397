"""Rows in batches that give whole columns: each batch has its own cells, whichever came before it and are gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlports.schema import Batches, Column, table
from sqlports.sources.snapshot import Snapshot
from sqlports.vtab import VirtualTable


class Batch(Sequence[int]):
    """A row of one number, which is a column as well."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        return self.number

    def column(self, path: str) -> list[int]:
        return [self.number]


@table(Column("number", int, "real", "A number."))
def numbers(system: Snapshot) -> Batches:
    """Numbers, one row each."""
    return Batches(Batch(number) for number in range(100))


def test_a_batch_never_gets_the_cells_of_one_that_is_gone() -> None:
    system = Snapshot()
    cursor = VirtualTable(numbers, lambda: system, lambda: None, lambda: True).Open()
    cursor.Filter(0, None, ())
    found = []
    while not cursor.Eof():
        found.append(cursor.Column(0))
        cursor.Next()
    assert found == list(range(100))
