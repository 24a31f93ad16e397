"""The line below the prompt: how results are written, what the last one came to, and what it could not see."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from sqlports.cells import cut, safe, width
from sqlports.session import counted
from sqlports.shell.dots import timing
from sqlports.sources.refusals import PERMISSION

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell


class Part(NamedTuple):
    """A part of the line, in few words too; the less its weight the sooner it goes where there is no room."""

    weight: int
    text: str
    short: str = ""


def line(shell: Shell, columns: int, keys: str = "", between: str = " · ") -> str:
    """The line, no wider than the terminal. `keys` tells the editor's keys where they are not the usual ones."""
    parts = list(_parts(shell, keys))
    room = columns - 2
    while len(parts) > 1 and width(between.join(part.text for part in parts)) > room:
        least = min(parts, key=lambda part: part.weight)
        place = parts.index(least)
        if least.short:
            parts[place] = Part(least.weight + 1, least.short)
        else:
            del parts[place]
    return f" {cut(between.join(part.text for part in parts), room)} " if room > 0 else ""


def _parts(shell: Shell, keys: str) -> list[Part]:
    settings, last = shell.settings, shell.last
    parts = [Part(6, safe(settings.mode))]
    if shell.where:
        parts.append(Part(9, f"to {safe(shell.where)}"))
    if last is not None:
        rows = counted(last.rows) if last.rows else "no rows"
        parts.append(Part(4, f"{rows} in {timing.seconds(last.seconds)}", rows))
    if shell.held is not None:
        parts.append(Part(10, f"held for {_age(time.monotonic() - shell.held)}"))
    parts.append(_privilege(shell))
    if keys:
        parts.append(Part(8, keys))
    if settings.pager != "auto":
        parts.append(Part(2, f"pager {cut(safe(settings.pager), 24)}"))
    return parts


def _privilege(shell: Shell) -> Part:
    """As whom the system is asked, and what that hid from the last look."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    who = "as root" if root else "as user"
    held = shell.engine.snapshot_now
    refused = held.refusals() if held is not None else shell.engine.refusals
    hidden = {refusal.pid for refusal in refused if refusal.reason == PERMISSION and refusal.pid is not None}
    owners = {refusal.pid for refusal in refused if refusal.pid in hidden and refusal.source.startswith("/proc/PID/fd")}
    if not hidden:
        return Part(3, who)
    count = len(owners or hidden)
    processes = f"{count:,} process" + ("es" if count != 1 else "")
    what = f"owners of {processes} hidden" if owners else f"{processes} partly hidden"
    return Part(7, f"{who}: {what}", f"{count:,} hidden")


def _age(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
