"""What the shipped audits look for, made for real: a file for each pack, in it what is bad and what only looks so.

    @bad("listener-of-x")
    def _(stage: Stage) -> Rows:
        pid = stage.process(lambda: stage.listen("0.0.0.0", 9999))
        return [{"pid": pid, "port": 9999}]

    @harmless("listener-of-x")
    def _(stage: Stage) -> None:
        stage.process(lambda: stage.listen("127.0.0.1", 9999))

`bad` returns what the findings are to be: exactly these rows, in any order, of which the named columns are compared. `harmless`
leaves what must not be found. Both may say the parameters of the audit: @bad("listener-of-x", ports="9999"). What
needs a runtime of containers is made in a copy of a machine's files, FakeRoot of tests/conftest.py: @bad("x", copy=True).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ..conftest import FakeRoot
from .stage import Stage

Rows = list[dict[str, Any]]
T = TypeVar("T", Stage, FakeRoot)


class Case(NamedTuple):
    """What makes the thing, the parameters with which the audit is run then, and whether it is on a copy."""

    make: Callable[[Any], Any]
    parameters: dict[str, Any]
    copy: bool


BAD: dict[str, list[Case]] = {}
HARMLESS: dict[str, list[Case]] = {}


def bad(audit: str, copy: bool = False, **parameters: Any) -> Callable[[Callable[[T], Rows]], Callable[[T], Rows]]:
    """This makes what an audit is to find. One audit may have several."""

    def add(make: Callable[[T], Rows]) -> Callable[[T], Rows]:
        BAD.setdefault(audit, []).append(Case(make, parameters, copy))
        return make

    return add


def harmless(audit: str, copy: bool = False, **parameters: Any) -> Callable[[Callable[[T], None]], Callable[[T], None]]:
    """This makes what an audit must not find."""

    def add(make: Callable[[T], None]) -> Callable[[T], None]:
        HARMLESS.setdefault(audit, []).append(Case(make, parameters, copy))
        return make

    return add


def load() -> None:
    """Read all scenarios."""
    for pack in ("exposure", "intrusion", "privilege", "containers", "health"):
        importlib.import_module(f"{__name__}.{pack}")
