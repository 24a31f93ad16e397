"""How long the prompt takes over a key: candidates and colours, at every place of long statements, with more than 60 tables.

python -P benchmarks/keys.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlports import Engine
from sqlports.shell.colours import pieces
from sqlports.shell.completion import complete
from sqlports.shell.names import Names, warm

_MADE = 30
_SELECT = (
    "SELECT s.protocol, s.local_port, p.name, count(*) AS n, substr(u.username, 1, 8) FROM sockets s JOIN processes p ON "
    "p.pid = s.pid LEFT JOIN users u USING (uid) WHERE s.state = 'LISTEN' AND p.name LIKE 'a%' GROUP BY s.local_port ORDER BY n"
)
STATEMENTS = {
    "one": _SELECT,
    "nested": "SELECT * FROM (" * 6 + _SELECT + ")" * 6,
    "long": ("WITH " + ", ".join(f"q{n} AS ({_SELECT})" for n in range(7)) + " SELECT q0.n FROM q0 WHERE n = 1 AND ").ljust(
        2000
    ),
    "no tables": ("SELECT " + "pid, name, local_port, substr(name, 2), " * 60)[:2000],
    "joins": (
        "SELECT * FROM sockets s "
        + " ".join(f"JOIN made_{n} m{n} ON m{n}.pid = s.pid" for n in range(_MADE))
        + " WHERE s.pid = 1 AND s.local_port > 2" * 60
    )[:2000],
}


def main() -> None:
    """Print the slowest key, and how long all but one in twenty take at most."""
    with Engine() as engine:
        for number in range(_MADE):
            engine.query(f"CREATE TEMP VIEW made_{number} AS SELECT s.*, p.name FROM sockets s JOIN processes p USING (pid)")
        names = Names(engine.connection)
        print(f"{_milliseconds(warm):6.1f} ms beside the prompt, as it starts")
        print(f"{_milliseconds(lambda: complete('SELECT ', 7, names)):6.1f} ms the first key, {len(names.relations())} tables")
        for what, statement in STATEMENTS.items():
            keys = sorted(_key(statement[:end], end, names) for end in range(len(statement) + 1))
            print(f"{keys[-1]:6.1f} ms at most, {keys[len(keys) * 19 // 20]:.1f} ms for 95 % of {len(keys)} keys: {what}")


def _key(text: str, cursor: int, names: Names) -> float:
    return _milliseconds(lambda: (complete(text, cursor, names), list(pieces(text, names))))


def _milliseconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main()
