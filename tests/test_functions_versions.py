"""Versions in their order: in general, and as package managers have them."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from sqlports import Engine
from sqlports.errors import QueryError
from sqlports.functions import ordering


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def told(engine: Engine, call: str, *arguments: Any) -> Any:
    return engine.query(f"SELECT {call} AS it", arguments)[0]["it"]


# Each list from the oldest on.
ORDERED = {
    "": [
        ["", "1", "1.0", "1.0.1", "1.1", "1.1.1", "1.1.1f", "1.1.1k", "1.1.9", "1.1.10", "1.9", "1.10", "2"],
        ["9.9p1", "10.0p1", "10.0p2"],
        ["2023.12.9", "2023.12.10", "2024.1.1"],
    ],
    "DPKG": [
        # Debian Policy 5.6.12.
        ["~~", "~~a", "~", "", "a"],
        ["1.0~beta1~svn1245", "1.0~beta1", "1.0"],
        ["1.2-1", "1.2-1+b1", "1.2-1.1", "1.2-2", "1.2-10", "1.2+dfsg-1", "1.10-1", "1:0.1-1"],
        ["1.0a", "1.0b", "1.0+", "1.0.1"],
        ["2.30~rc1-3", "2.30-1", "2.30-1ubuntu1"],
    ],
    "RHEL": [
        # rpm-version(7).
        ["1.0~rc1", "1.0~rc2", "1.0", "1.0^git1", "1.0^git2", "1.0.1"],
        ["1.0~rc1", "1.0~rc1^git1", "1.0"],
        ["4.18.0-80.el8", "4.18.0-147.el8", "4.18.0-147.1.el8", "5.14.0-1.el9", "1:0.1-1"],
        ["1.a", "1.b", "1.1", "1.10"],
        ["xyz", "1"],
        ["2.0", "2.0.1", "2.0.1a", "2.0.1.1"],
    ],
    "ARCH": [
        # vercmp(8).
        ["1.0a", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0.a", "1.0.1"],
        ["1", "1.0", "1.1", "1.1.1", "1.2", "2.0", "3.0.0"],
        ["1.5-1", "1.5-2", "1.5.1-1", "1:1.0-1"],
    ],
}
SAME = {
    "": [("1.0", "1.0"), ("1.01", "1.1"), ("1-0", "1.0"), ("", "")],
    "DPKG": [("1.0", "1.0-0"), ("0:1.0", "1.0"), ("1.01", "1.1"), ("a", "a0"), ("1.0", "1.0")],
    "RHEL": [("1.0", "1_0"), ("1.0.", "1.0"), ("0:1.0-1", "1.0-1"), ("1.0", "1.0-5"), ("1.01", "1.1")],
    "ARCH": [("1.5-1", "1.5"), ("0:1.5", "1.5"), ("1.0", "1_0"), ("1.01", "1.1")],
}


@pytest.mark.parametrize("flavour", ORDERED)
def test_versions_compare_as_their_packager_says(engine: Engine, flavour: str) -> None:
    for versions in ORDERED[flavour]:
        for (place, left), (other, right) in itertools.product(enumerate(versions), repeat=2):
            expected = (place > other) - (place < other)
            assert told(engine, "version_compare(?, ?, ?)", left, right, flavour.lower()) == expected, (left, right)
    for left, right in SAME[flavour]:
        assert told(engine, "version_compare(?, ?, ?)", left, right, flavour) == 0, (left, right)
        assert told(engine, "version_compare(?, ?, ?)", right, left, flavour) == 0, (right, left)


@pytest.mark.parametrize("flavour", ORDERED)
def test_a_collation_orders_as_the_comparison_does(engine: Engine, flavour: str) -> None:
    collation = f"version_{flavour.lower()}" if flavour else "version"
    for versions in ORDERED[flavour]:
        shuffled = random.Random(7).sample(versions, len(versions))
        rows = engine.query(f"SELECT value FROM json_each(?) ORDER BY value COLLATE {collation}", (json.dumps(shuffled),))
        assert [row["value"] for row in rows] == versions


def test_without_a_flavour_the_order_is_plain(engine: Engine) -> None:
    assert told(engine, "version_compare('1.9', '1.10')") == -1
    assert told(engine, "'1.9' < '1.10' COLLATE version") == 1


@pytest.mark.parametrize("flavour", ["", "ARCH", "DPKG", "RHEL"])
def test_a_collation_is_an_order_whatever_the_texts(flavour: str) -> None:
    chance = random.Random(11)
    texts = ["".join(chance.choices("019a~^.-:+é\u0663\0", k=chance.randrange(7))) for _ in range(60)]
    keys = {}
    for one in texts:
        assert ordering.compared(one, one, flavour) == 0
        keys[one] = sum(ordering.compared(one, other, flavour) for other in texts)
    for one, other in itertools.combinations(texts, 2):
        compared = ordering.compared(one, other, flavour)
        assert compared == -ordering.compared(other, one, flavour)
        assert compared == (keys[one] > keys[other]) - (keys[one] < keys[other]), (one, other)


def test_a_number_may_have_any_length(engine: Engine) -> None:
    long = "9" * 100_000
    for flavour in ("", "ARCH", "DPKG", "RHEL"):
        assert told(engine, "version_compare(?, ?, ?)", f"1.{long}", f"1.1{long}", flavour) == -1


@pytest.mark.parametrize(
    "arguments",
    ["NULL, '1'", "'1', NULL", "1, '1'", "'1', 1.5", "x'31', '1'", "'1', '2', NULL", "'1', '2', 'WIN'", "'1', '2', 7"],
)
def test_what_is_no_version_and_no_flavour_is_said(engine: Engine, arguments: str) -> None:
    with pytest.raises(QueryError, match="version_compare: "):
        told(engine, f"version_compare({arguments})")


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")
def test_debians_versions_compare_as_dpkg_has_them() -> None:
    chance = random.Random(5)

    def some() -> str:
        upstream = str(chance.randrange(3)) + "".join(
            chance.choices(["0", "1", "10", ".", "~", "+", "a", "rc", "-1"], k=chance.randrange(6))
        )
        return chance.choice(["", "", "0:", "1:"]) + upstream + chance.choice(["", "-0", "-1", "-1~deb12u1", "-1ubuntu2"])

    for _ in range(40):
        left = some()
        right = some() if chance.random() < 0.5 else left + chance.choice(["0", "~", "a", ".0", "+b1"])
        compared = ordering.compared(left, right, "DPKG")
        operator = {-1: "lt", 0: "eq", 1: "gt"}[compared]
        done = subprocess.run(["dpkg", "--compare-versions", left, operator, right], capture_output=True, check=False)
        assert done.returncode == 0, (left, operator, right, done.stderr)
