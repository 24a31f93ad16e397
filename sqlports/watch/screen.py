"""A terminal that is drawn over, page by page, and is afterwards as it was; and keys that are read from it meanwhile."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from typing import IO, Any, Self

from sqlports import progress
from sqlports.session import when_killed

# The other screen, no cursor, lines that end at the margin; and back.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
_ENDS = (b"q", b"Q", b"\x04", b"\x1c", b"")
# How long it takes at most until a page fits a window that has another size.
_SIZE_EVERY = 0.25


def drawable(stream: IO[Any] | None) -> bool:
    """Whether a stream is a terminal that can be drawn over."""
    if sys.platform == "win32" or os.environ.get("TERM", "").lower() in ("", "dumb", "unknown"):
        return False
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


class Screen:
    """A terminal that is drawn over while the block lasts. `ended` is whether a key said that it is enough."""

    def __init__(self, stream: IO[Any]) -> None:
        self.ended = False
        self.paused = False
        self._stream = stream
        self._keys = sys.stdin is not None and sys.stdin.isatty()
        self._before: Any = None
        self._early: list[bytes] = []
        self._around = contextlib.ExitStack()
        self._size = self.size()

    def __enter__(self) -> Self:
        self._around.enter_context(progress.lent(self._is_over))
        self._around.enter_context(when_killed(self._leave))
        try:
            self._enter()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # Whoever presses Ctrl-C twice wants to be out, with a terminal that is whole.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._leave()
            self._around.close()
        finally:
            signal.signal(signal.SIGINT, before)

    def size(self) -> tuple[int, int]:
        """The columns and lines of the window."""
        with contextlib.suppress(OSError, ValueError):
            columns, lines = os.get_terminal_size(self._stream.fileno())
            return columns or 80, lines or 24
        return 80, 24

    def draw(self, lines: list[str]) -> None:
        """Show a page in place of the one before. Raises OSError."""
        self._size = self.size()
        self._write(
            "\x1b[H" + "".join(f"{line}\x1b[K" + ("\r\n" if line is not lines[-1] else "") for line in lines) + "\x1b[J"
        )

    def wait(self, until: float) -> bool:
        """Wait for the next round, by time.monotonic(); False when the page is to be drawn again before it."""
        while not self.ended:
            left = until - time.monotonic()
            if left <= 0 and not self.paused:
                break
            for key in self._typed(_SIZE_EVERY if self.paused else min(left, _SIZE_EVERY)):
                if key in _ENDS:
                    self.ended = True
                elif key == b" ":
                    self.paused = not self.paused
                    return False
                elif key == b"\x1a":
                    self._stop()
                    return False
            if self.size() != self._size:
                return False
        return True

    def _is_over(self) -> bool:
        """Whether it is enough, asked while a round's query runs."""
        if not self.ended:
            self._early += self._pressed(0)
            self.ended = any(key in _ENDS for key in self._early)
        return self.ended

    def _typed(self, seconds: float) -> list[bytes]:
        """The keys that were pressed while a query ran; else those that are, for which it waits so many seconds."""
        early, self._early = self._early, []
        return early or self._pressed(seconds)

    def _pressed(self, seconds: float) -> list[bytes]:
        if not self._keys:
            time.sleep(seconds)
        elif select.select([0], [], [], seconds)[0]:
            data = os.read(0, 64)
            # A key with a name is an escape sequence, whose letters are none of ours.
            return [] if data.startswith(b"\x1b") else [data[at : at + 1] for at in range(len(data))] or [b""]
        return []

    def _enter(self) -> None:
        if self._keys:
            import termios

            before = termios.tcgetattr(0)
            mode = termios.tcgetattr(0)
            mode[3] &= ~(termios.ICANON | termios.ECHO)
            # Ctrl-Z is a key: the terminal has to be put in order before a stop. So is Ctrl-\, which ends this and no prompt.
            mode[6][termios.VSUSP] = mode[6][termios.VQUIT] = os.fpathconf(0, "PC_VDISABLE").to_bytes(1, "little")
            mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
            self._before = before
            termios.tcsetattr(0, termios.TCSADRAIN, mode)
        self._write(_ENTER)

    def _leave(self) -> None:
        with contextlib.suppress(OSError):
            self._write(_LEAVE)
        if self._before is not None:
            import termios

            with contextlib.suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, self._before)
            self._before = None

    def _stop(self) -> None:
        self._leave()
        os.kill(0, signal.SIGTSTP)
        self._enter()

    def _write(self, text: str) -> None:
        # Not through a buffer, in which an interrupt would leave what is written later, among other things.
        data = text.encode(getattr(self._stream, "encoding", None) or "utf-8", "backslashreplace")
        while data:
            data = data[os.write(self._stream.fileno(), data) :]
