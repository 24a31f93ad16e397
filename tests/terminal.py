"""The command in a pseudo-terminal as people have it, with a screen that shows what they would see."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pyte
import pytest

# Long enough for any machine; nothing waits so long unless it fails.
DEADLINE = 60


class Terminal:
    """The command in a pseudo-terminal."""

    program: tuple[str, ...] = (sys.executable, "-P", "-m", "sqlports")

    def __init__(
        self,
        environment: dict[str, str],
        arguments: tuple[str, ...] = (),
        columns: int = 80,
        stdout: Path | None = None,
        lines: int = 24,
    ) -> None:
        self.master, self.slave = pty.openpty()
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self.slave)
        with open(stdout, "wb") if stdout else nullcontext(self.slave) as output:
            self.process = subprocess.Popen(
                [*self.program, *arguments],
                stdin=self.slave,
                stdout=output,
                stderr=self.slave,
                env=environment,
                start_new_session=True,
                preexec_fn=_as_a_shell_does,  # noqa: PLW1509 no thread runs here
            )
        # A terminal answers when it is asked where its cursor is.
        self.screen.write_process_input = lambda data: os.write(self.master, data.encode())
        self.raw = b""
        self.seen = 0

    def resize(self, columns: int, lines: int = 24) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def send(self, keys: str | bytes) -> None:
        left = keys.encode() if isinstance(keys, str) else keys
        while left:
            # Whoever reads little by little may have to write first.
            ready, free, _ = select.select([self.master], [self.master], [], DEADLINE)
            if ready and len(left) > 1024:
                self._read()
            elif free:
                left = left[os.write(self.master, left[:1024]) :]

    def expect(self, pattern: str, seconds: float = DEADLINE) -> str:
        """Wait for a text that was not waited for before; what came up to its end."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.compile(pattern.encode()).search(self.raw, self.seen)
            if found:
                text = self.raw[self.seen : found.end()].decode(errors="replace")
                self.seen = found.end()
                return text
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no {pattern!r} in {self.raw[self.seen :]!r}")
            self._read()

    def _read(self) -> None:
        data = os.read(self.master, 65536)
        self.raw += data
        self._stream.feed(data)

    def shows(self, pattern: str, seconds: float = DEADLINE) -> str:
        """Wait until the screen has this on it, as people see it; the whole screen, its lines without spaces at their ends."""
        deadline = time.monotonic() + seconds
        while True:
            text = "\n".join(line.rstrip() for line in self.screen.display)
            if re.search(pattern, text):
                self.seen = len(self.raw)
                return text
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no {pattern!r} on the screen:\n{text}")
            self._read()

    def prompt(self) -> str:
        """Wait until the next input can be typed; what came before that."""
        # An editor says that it takes pasted text when it begins to read.
        return self.expect(r"\x1b\[\?2004h[^>]*sqlports>")

    def run(self, line: str) -> str:
        """Type a line, and give what came of it."""
        self.send(line + "\r")
        # An editor ends with the same as it draws the line for the last time.
        self.expect(r"\x1b\[\?2004l")
        return self.prompt()

    def end(self) -> int:
        """The exit status, once the command has ended. The terminal must then be as it was, and nothing switched on there."""
        deadline = time.monotonic() + DEADLINE
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.02)[0]:
                self._read()
        status = self.process.wait(0)
        assert termios.tcgetattr(self.slave) == self.before
        # Behind all that the command wrote.
        mark = b"(this is the end)"
        os.write(self.slave, mark)
        while mark not in self.raw:
            self._read()
        self.raw = self.raw.removesuffix(mark)
        assert not _left_on(self.raw)
        return status

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)


def _as_a_shell_does() -> None:
    """Let the keys that are signals work, however the tests were started: on the terminal that a session controls."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _left_on(raw: bytes) -> list[str]:
    """What a terminal that was sent this is not as it was in: private modes, the keypad's, the cursor's shape, colours."""
    # A cursor that is seen, and lines that go on at the margin.
    usual = {"25": "h", "7": "h"}
    modes = {}
    for numbers, switch in re.findall(rb"\x1b\[\?([\d;]+)([hl])", raw):
        modes.update(dict.fromkeys(numbers.decode().split(";"), switch.decode()))
    left = [f"?{number}{switch}" for number, switch in modes.items() if switch != usual.get(number, "l")]
    for pattern, unset in ((rb"\x1b[=>]", b"\x1b>"), (rb"\x1b\[\d* q", b"\x1b[0 q"), (rb"\x1b\[[\d;]*m", b"\x1b[0m")):
        last = re.findall(pattern, raw)[-1:]
        left += [repr(one) for one in last if one not in (unset, b"\x1b[m")]
    return left


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def open_terminal(state: Path) -> Iterator[Callable[..., Terminal]]:
    """Starts the command in a terminal; what was started ends with the test."""
    opened: list[Terminal] = []

    def start(*arguments: str, columns: int = 80, stdout: Path | None = None, lines: int = 24, **environment: str) -> Terminal:
        # Without the question where the cursor is there is no line below the prompt, and less to wait for.
        own = {
            "TERM": "xterm",
            # Nor reads in a pager, unless a test is about one.
            "PAGER": "",
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "XDG_STATE_HOME": str(state),
            "XDG_CONFIG_HOME": str(state),
            **environment,
        }
        opened.append(Terminal({**os.environ, **own}, arguments, columns, stdout, lines))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


@pytest.fixture
def terminal(open_terminal: Callable[..., Terminal]) -> Terminal:
    """The prompt, ready."""
    started = open_terminal()
    started.prompt()
    return started
