"""Time that passes."""

from __future__ import annotations

from sqlports.functions import Host, Value, function


@function("time", host=True, deterministic=False)
def sleep(host: Host, seconds: Value) -> int:
    """Waits so many whole seconds, and gives how many; 0 at once for a negative number or none."""
    import time

    from sqlports.functions import values

    wanted = 0 if seconds is None else max(values.whole(seconds), 0)
    end = time.monotonic() + wanted
    while (left := end - time.monotonic()) > 0:
        host.check()
        time.sleep(min(left, 0.05))
    return wanted
