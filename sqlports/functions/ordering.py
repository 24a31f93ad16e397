"""What orders versions: deb-version(7), rpm-version(7), vercmp(8), and a plain order of numbers and words.

A version is turned into a tuple once, and tuples compare as versions do.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

Key = tuple[Any, ...]

# Before the end of a version, the end, behind it.
_TILDE, _END, _CARET, _WORD, _NUMBER = range(5)


def compared(left: str, right: str, flavour: str, same_without_release: bool = False) -> int:
    """-1, 0 or 1. `same_without_release` says that 1.0 is 1.0-1 where the flavour has releases, which orders nothing."""
    one, other = _key(left, flavour), _key(right, flavour)
    if same_without_release and flavour in ("ARCH", "RHEL") and not (one[-1] and other[-1]):
        one, other = one[:-1], other[:-1]
    return (one > other) - (one < other)


@lru_cache(16384)
def _key(version: str, flavour: str) -> Key:
    """Its epoch, what upstream calls it, and its release, () for none."""
    if not flavour:
        return _plain(version)
    epoch, colon, rest = version.partition(":")
    if not (colon and epoch.isascii() and epoch.isdigit()):
        epoch, rest = "", version
    upstream, dash, release = rest.rpartition("-")
    if not dash:
        upstream, release = rest, ""
    if flavour == "DPKG":
        return _number(epoch), _debian(upstream), _debian(release)
    parts = _rpm if flavour == "RHEL" else _arch
    return _number(epoch), parts(upstream), parts(release) if release else ()


def _number(digits: str) -> tuple[int, str]:
    """Digits as what compares like their number, however many they are."""
    left = digits.lstrip("0")
    return len(left), left


def _plain(version: str) -> Key:
    """Pieces between . - ~ ^ : which are all the same; in a piece numbers are before words, and its end before both."""
    pieces = re.split(r"[.\-~^:]", version) if version else []
    return tuple(
        tuple(
            (0, _number(run), "") if run.isascii() and run.isdigit() else (1, (0, ""), run)
            for run in re.findall(r"[0-9]+|[^0-9]+", piece)
        )
        for piece in pieces
    )


def _debian(part: str) -> Key:
    """Letters and digits in turn. ~ is before the end, the end before letters, and these before all else."""
    found: list[Any] = []
    for word, digits in re.findall(r"([^0-9]*)([0-9]*)", part or "0"):
        if word or digits:
            found += [(*map(_debian_order, word), 0), _number(digits)]
    return (*found, (0,))


def _debian_order(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isascii() and letter.isalpha() else ord(letter) + 256


def _rpm(part: str) -> Key:
    """Runs of digits, of letters, and ~ and ^; what else there is only parts them."""
    kinds = {"~": _TILDE, "^": _CARET}
    found: list[Any] = []
    for run in re.findall(r"[0-9]+|[A-Za-z]+|[~^]", part):
        if run.isdigit():
            found.append((_NUMBER, _number(run)))
        else:
            found.append((kinds[run],) if run in kinds else (_WORD, run))
    return (*found, (_END,))


def _arch(part: str) -> Key:
    """Runs of digits and of letters, and how many other characters stand before each.

    Letters right behind digits are before the end, as in 1.0rc1; all else is behind it.
    """
    found: list[Any] = []
    for apart, run in re.findall(r"([^0-9A-Za-z]*)([0-9]+|[A-Za-z]+|$)", part):
        if run.isdigit():
            found.append((2, len(apart), 2, _number(run)))
        elif run:
            found.append((2, len(apart), 0, run) if apart else (0, run))
        elif apart:
            found.append((2, len(apart), 1))
    return (*found, (1,))
