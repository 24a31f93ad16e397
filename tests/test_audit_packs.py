"""The audits that come with the project: each finds the bad thing when it is there, and is silent when it is not."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.audit import find, runner

from . import scenarios
from .conftest import FakeRoot
from .fire import apart
from .scenarios.stage import Stage

pytestmark = pytest.mark.linux

PACKS = Path(__file__).parents[1] / "sqlports" / "audit" / "packs"
SHIPPED = {path.stem: path for path in sorted(PACKS.glob("*/*.sql"))}
scenarios.load()
BAD = [pytest.param(name, case, id=f"{name}-{i}") for name in SHIPPED for i, case in enumerate(scenarios.BAD.get(name, []))]
HARMLESS = [
    pytest.param(name, case, id=f"{name}-{i}") for name in SHIPPED for i, case in enumerate(scenarios.HARMLESS.get(name, []))
]


def rows(name: str, parameters: dict[str, Any], root: Path | None = None) -> list[dict[str, Any]]:
    with Engine(root=str(root)) if root else Engine() as engine:
        found = engine.query(SHIPPED[name].read_text(encoding="utf-8"), parameters)
    return [row for row in found if row.get("status") not in ("ok", "skip")]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_audit_has_what_it_is_to_find_and_what_it_is_not(name: str) -> None:
    assert scenarios.BAD.get(name)
    assert scenarios.HARMLESS.get(name)


def test_no_scenario_is_about_an_audit_that_is_not_there() -> None:
    assert {*scenarios.BAD, *scenarios.HARMLESS} <= set(SHIPPED)


@pytest.mark.parametrize(("name", "case"), BAD)
def test_the_bad_thing_is_found(name: str, case: scenarios.Case, tmp_path: Path) -> None:
    def act() -> Any:
        if case.copy:
            fake = FakeRoot(tmp_path)
            return rows(name, case.parameters, tmp_path), case.make(fake), rows(name, case.parameters, tmp_path)
        with closing(Stage()) as stage:
            before = rows(name, case.parameters)
            return before, case.make(stage), rows(name, case.parameters)

    before, expected, found = act() if case.copy else apart(act)
    assert before == []
    assert expected
    names = sorted({column for row in expected for column in row})
    assert sorted(([row[column] for column in names] for row in found), key=str) == sorted(
        ([row[column] for column in names] for row in expected), key=str
    )


@pytest.mark.parametrize(("name", "case"), HARMLESS)
def test_what_only_looks_like_it_is_not_found(name: str, case: scenarios.Case, tmp_path: Path) -> None:
    def act() -> Any:
        if case.copy:
            case.make(FakeRoot(tmp_path))
            return rows(name, case.parameters, tmp_path)
        with closing(Stage()) as stage:
            case.make(stage)
            return rows(name, case.parameters)

    assert (act() if case.copy else apart(act)) == []


def test_every_audit_that_comes_along_can_be_run() -> None:
    found = find.path(find.SHIPPED)
    assert found.faults == []
    with Engine() as engine:
        checked = runner.check(engine, found.audits, {})
    assert checked.faults == []
    assert len(checked.ready) + len(checked.outcomes) == len(found.audits) == len(SHIPPED) >= 40
    assert {outcome.verdict for outcome in checked.outcomes} <= {"skipped"}
    for audit in found.audits:
        assert all((audit.description, audit.fix, audit.false_positives, audit.message, audit.key, audit.references)), audit.id
