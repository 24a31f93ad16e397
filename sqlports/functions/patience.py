"""To wait for what may never end, and to be heard meanwhile."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

# Seconds between two looks at whether the statement has to end.
_STEP = 0.05

# How many calls may be left behind unanswered before no other is begun.
_MOST = 32

_left: set[threading.Thread] = set()


def within(seconds: float, check: Callable[[], None], act: Callable[[], T]) -> T:
    """What `act` gives. Raises what it raises, TimeoutError when that takes longer, and what `check` raises.

    It runs in a thread, which is left to itself then: nothing ends a call of the system that hangs.
    """
    _left.difference_update([thread for thread in _left if not thread.is_alive()])
    if len(_left) >= _MOST:
        raise TimeoutError
    found: list[T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            found.append(act())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    _left.add(thread)
    thread.start()
    end = time.monotonic() + seconds
    while thread.is_alive():
        left = end - time.monotonic()
        thread.join(min(_STEP, max(left, 0)))
        if thread.is_alive():
            check()
            if left <= 0:
                raise TimeoutError
    _left.discard(thread)
    if failed:
        raise failed[0]
    return found[0]


def heard(check: Callable[[], None], act: Callable[[], T]) -> T:
    """What `act` gives, a call in C that heeds signals and nothing else. Raises what `check` raises, which a timer calls.

    Only a main thread gets signals, and a program's own SIGALRM is left alone: elsewhere `act` takes what time it takes.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or not hasattr(signal, "setitimer")
        or signal.getsignal(signal.SIGALRM) != signal.SIG_DFL
    ):
        return act()
    works = True

    def look(*_: Any) -> None:
        if works:
            check()

    signal.signal(signal.SIGALRM, look)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, _STEP, _STEP)
            return act()
        finally:
            works = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
