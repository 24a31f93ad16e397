"""Where the prompt's results go instead of the terminal: a file, or a command that reads them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import Any

from sqlports.errors import Error
from sqlports.output import Output
from sqlports.session import when_killed
from sqlports.shell.pager import same_terminal, stop


class Destination:
    """A file or a command.

    name     the file's name as given, or the command behind its bar
    once     whether it takes one input's results only
    used     whether something was to be written
    is_pipe  whether it is a command, which may use the terminal
    """

    def __init__(self, name: str, once: bool) -> None:
        self.name = name
        self.once = once
        self.used = False
        self.is_pipe = name.startswith("|")
        self.output = Pipe(name[1:].strip()) if self.is_pipe else Output(os.path.expanduser(name), "table")

    def begin(self) -> None:
        """Open a file: one that cannot be written is told at once. Raises OSError."""
        self.output.begin()

    def close(self) -> None:
        """Put the file into its place, or wait for the command. Raises OSError, and Error when the command fails."""
        try:
            self.output.close()
        except BaseException:
            self.output.abandon()
            raise


class Pipe(Output):
    """A command's standard input, as an output. The command starts with the first write, and ends with `close`."""

    def __init__(self, command: str) -> None:
        super().__init__(f"|{command}", "table", whole=False)
        self.command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._left = False
        self._done = contextlib.ExitStack()

    def begin(self) -> None:
        """Do nothing: the command starts when there is something for it."""

    def is_left(self) -> bool:
        """Whether the command reads no more: it has what it wanted, and that is no error."""
        return self._left

    def write_bytes(self, data: bytes) -> None:
        """Write what is no text. Raises OSError."""
        self.begun = True
        self._act(self._input().write, data)

    def flush(self) -> None:
        """Hand everything to the command. Raises OSError."""
        if self._process:
            self._act(self._input().flush)

    def close(self) -> None:
        """Let the command see the end, and wait for its own. Raises Error when it fails."""
        self._act(self._input().close)
        status = self._wait()
        # Who closed its input early may say so, and is content.
        if status and not (self._left and -status == getattr(signal, "SIGPIPE", 0)):
            how = f"exit status {status}" if status > 0 else f"ended by signal {-status}"
            raise Error(f"{self.command}: {how}")

    def abandon(self) -> None:
        """Give up: the command sees the end of what it got, and may show that to its end."""
        if self._process:
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                self._input().close()
            with contextlib.suppress(KeyboardInterrupt):
                self._wait()

    def _stop(self) -> None:
        """End the command: this process is about to."""
        process, self._process = self._process, None
        if process:
            stop(process)

    def _input(self) -> Any:
        if self._process is None:
            if sys.platform != "win32" and os.isatty(0):
                self._done.enter_context(same_terminal())
            self._done.enter_context(when_killed(self._stop))
            self._process = subprocess.Popen(self.command, shell=True, stdin=subprocess.PIPE)  # noqa: S602 typed by the user
        return self._process.stdin

    def _act(self, act: Any, *arguments: Any) -> None:
        if not self._left:
            try:
                act(*arguments)
            except BrokenPipeError:
                self._left = True
                # What is left in the buffer goes nowhere.
                with contextlib.suppress(OSError):
                    self._input().close()

    def _wait(self) -> int:
        """The exit status, with the terminal as it was before."""
        assert self._process
        presses = 0
        with self._done:
            while True:
                try:
                    return self._process.wait()
                except KeyboardInterrupt:
                    # The command has had it too, and may need it to go on: a pager does.
                    presses += 1
                    if presses > 2:
                        self._process.kill()
                        raise
