"""The names that a system gives to ports, by its own list."""

from __future__ import annotations

import os
import sys

from sqlports.sources import services, small_files
from sqlports.sources.procfs import text
from sqlports.sources.records import Service, Unsupported


def read(root: str) -> list[Service]:
    """The lines of the services file of the system below a root. Raises OSError; Unsupported where there is none."""
    windows = os.environ.get("SYSTEMROOT") if sys.platform == "win32" else None
    path = os.path.join(windows, "System32", "drivers", "etc", "services") if windows else "/etc/services"
    try:
        return services.parse(text(small_files.of_system(root, os.fsencode(path))))
    except FileNotFoundError:
        raise Unsupported(path, "there is no such file") from None
