"""The keyboard while a statement runs: Esc is heard, all else that is typed is kept for who reads next."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
from collections.abc import Callable
from types import FrameType
from typing import Any

_ESCAPE = b"\x1b"
# CAP_SYS_ADMIN, by its number (capabilities(7)).
_ADMIN = 1 << 21
# What stops or ends the process: the terminal is put right first.
_HEEDED = (signal.SIGTSTP, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Keyboard:
    """A terminal's input, key by key and unseen while it is open; Ctrl-C, Ctrl-Z and Ctrl-\\ are signals as ever.

    typed    what was typed; `hand_on` gives it to who takes it
    is_open  whether keys are heard
    """

    def __init__(self, taker: Callable[[bytes], object]) -> None:
        self.typed = b""
        self.is_open = False
        self._taker = taker
        self._before: list[Any] = []
        self._handlers: dict[int, Any] = {}
        self._is_pending = False

    def open(self) -> None:
        """Hear keys from now on."""
        with contextlib.suppress(OSError, termios.error):
            if self.is_open or os.tcgetpgrp(0) != os.getpgrp():
                return
            self._before = self._before or termios.tcgetattr(0)
            # Before the terminal is changed: whatever ends the process from then on puts it right.
            self.is_open = True
            self._handlers = {number: signal.getsignal(number) for number in _HEEDED}
            for number, handler in self._handlers.items():
                if handler != signal.SIG_IGN:
                    signal.signal(number, self._stop if number == signal.SIGTSTP else self._end)
            heard: list[Any] = [part[:] if isinstance(part, list) else part for part in self._before]
            heard[0] &= ~termios.ICRNL
            heard[3] &= ~(termios.ICANON | termios.ECHO)
            heard[6][termios.VMIN], heard[6][termios.VTIME] = 1, 0
            termios.tcsetattr(0, termios.TCSANOW, heard)

    def pause(self) -> None:
        """Leave the terminal as it was."""
        if not self.is_open:
            return
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(0, termios.TCSANOW, self._before)
        self.is_open = False
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def hand_on(self) -> None:
        """Give what was typed to who takes it."""
        if self.is_open:
            self._read()
        typed, self.typed = self.typed.removesuffix(_ESCAPE), b""
        if typed:
            self._taker(typed)

    def close(self) -> None:
        """Leave the terminal as it was, and hand on what was typed."""
        self.hand_on()
        self.pause()

    def is_escaped(self) -> bool:
        """Whether Esc was pressed by itself: nothing has come behind it since the last time this was asked."""
        if not self.is_open:
            return False
        came = self._read()
        if self._is_pending and not came and self.typed.endswith(_ESCAPE):
            self.typed = self.typed.removesuffix(_ESCAPE)
            self._is_pending = False
            return True
        self._is_pending = self.typed.endswith(_ESCAPE)
        return False

    def _read(self) -> bool:
        """Take what was typed; whether something was."""
        with contextlib.suppress(OSError):
            if select.select([0], [], [], 0)[0]:
                came = os.read(0, 65536)
                self.typed += came
                return bool(came)
        return False

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: the shell finds its terminal as it was, and so does the statement when it goes on."""
        from sqlports import progress

        progress.clear()
        self.pause()
        before = signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
        signal.signal(number, before)
        self.open()

    def _end(self, number: int, frame: FrameType | None) -> None:
        from sqlports import progress

        progress.clear()
        self.pause()
        # Who heeded it before does so now.
        signal.raise_signal(number)


def give_back() -> Callable[[bytes], object] | None:
    """What puts typed text back into the terminal, for the shell to read (TIOCSTI); None where the kernel refuses that."""
    try:
        with open("/proc/sys/dev/tty/legacy_tiocsti", encoding="ascii") as file:
            is_free = file.read().strip() == "1"
    except OSError:
        is_free = True
    if not is_free:
        with contextlib.suppress(OSError, ValueError), open("/proc/self/status", encoding="utf-8", errors="replace") as file:
            is_free = any(int(line[7:], 16) & _ADMIN for line in file if line.startswith("CapEff:"))
    return _push if is_free else None


def _push(typed: bytes) -> None:
    import fcntl

    with contextlib.suppress(OSError):
        for number in typed:
            fcntl.ioctl(0, termios.TIOCSTI, bytes([number]))
