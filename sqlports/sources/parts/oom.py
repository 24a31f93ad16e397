"""oom: how likely the kernel is to end a process when memory runs out (proc_pid_oom_score(5), proc_pid_oom_score_adj(5))."""

from __future__ import annotations

from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.procfs import Unparsable

SOURCE = "oom_score"


class Oom(NamedTuple):
    """`score` 0 to 2000, the highest goes first; `adjustment` -1000 (never) to 1000, which is part of it."""

    score: int | None = None
    adjustment: int | None = None


NOTHING = Oom()


def read(place: Place) -> Oom:
    """The part. Raises OSError, Unparsable."""
    return Oom(_number(place, "oom_score"), _number(place, "oom_score_adj"))


def _number(place: Place, name: str) -> int:
    data = place.file(name)
    try:
        return int(data)
    except ValueError:
        raise Unparsable(f"/proc/PID/{name}", data) from None
