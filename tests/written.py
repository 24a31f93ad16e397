"""What the command writes, to a pipe and to a terminal."""

from __future__ import annotations

import os
import pty
import sys

from .conftest import command

# All that a value may be, twice a name, and what is markup or punctuation somewhere.
SAMPLE = """
SELECT 1 AS pid, 'a ''b'' "c" <d> & |e|, f' AS name, NULL AS none, 2.5 AS pid, '' AS "empty, or not", x'00ff' AS data
UNION ALL SELECT -20, 'NULL', 'x', 1e300, 'é日', x''
"""

_START = (
    "import fcntl, struct, sys, termios; fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, {}, 0, 0));"
    "from sqlports.cli import main; main(sys.argv[1:])"
)


def values(mode: str, sql: str, *arguments: str) -> str:
    """What the command writes to a pipe; it has nothing to remark."""
    done = command("--mode", mode, *arguments, sql)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def in_terminal(columns: int, *arguments: str, status: int = 0, **environment: str) -> str:
    """What the command writes on a terminal of this width, without colours unless the environment says otherwise."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update({"TERM": "xterm", "NO_COLOR": "1", **environment})
        os.execv(sys.executable, [sys.executable, "-P", "-c", _START.format(columns), *arguments])
    text = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(master)
    _, ended = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(ended) == status
    return text.decode().replace("\r\n", "\n")
