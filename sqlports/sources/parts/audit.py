"""audit: who logged in, whatever user the process has become since (proc_pid_loginuid(5), audit(8))."""

from __future__ import annotations

from typing import NamedTuple

from sqlports.sources.parts import Missing, Place
from sqlports.sources.procfs import Unparsable

SOURCE = "loginuid"
_UNSET = 0xFFFFFFFF


class Audit(NamedTuple):
    """The user who logged in and the number of that login; None for what no login led to, and without auditing."""

    login_uid: int | None = None
    session: int | None = None


NOTHING = Audit()


def read(place: Place) -> Audit:
    """The part. Raises OSError, Unparsable."""
    return Audit(_number(place, "loginuid"), _number(place, "sessionid"))


def _number(place: Place, name: str) -> int | None:
    try:
        data = place.file(name)
        number = int(data)
    except ValueError:
        raise Unparsable(f"/proc/PID/{name}", data) from None
    except Missing:
        return None  # a kernel without auditing
    return None if number == _UNSET else number
