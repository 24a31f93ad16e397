"""osquery_info: this program, in osquery's words. Columns follow osquery."""

from __future__ import annotations

import os
from collections.abc import Iterable

from sqlports.schema import Column, table
from sqlports.sources import itself, osquery_conf, small_files
from sqlports.sources.snapshot import Snapshot

_UUID = "/sys/class/dmi/id/product_uuid"


class Info:
    """This program, as a row."""

    pid = os.getpid()
    instance_id = ""
    extensions = "inactive"
    build_platform = "sqlports"
    watcher = -1
    platform_mask = itself.platform_mask()

    def __init__(self, system: Snapshot) -> None:
        from sqlports import __version__
        from sqlports.osqueryi.flags import VERSION

        self.system = system
        self.version = VERSION
        self.build_distro = __version__
        self.start_time = itself.started()

    @property
    def uuid(self) -> str | None:
        """The machine's; '' where it has none, None where it may not be read."""
        found = self.system.ask(_UUID, _read)
        return found[0] if found else None

    @property
    def config_hash(self) -> str:
        """The digest of the configuration."""
        return osquery_conf.of(self.system).digest

    @property
    def config_valid(self) -> int:
        """Whether it is there and in order."""
        found = osquery_conf.of(self.system)
        return int(bool(found.files) and not found.faults)


@table(
    Column("pid", int, "pid", "This process.", references="processes.pid"),
    Column("uuid", str, "uuid", "The machine's, by its firmware, which root may read; '' for none.", collate="NOCASE"),
    Column("instance_id", str, "instance_id", "Of an installation of osquery; '' here."),
    Column("version", str, "version", "The osquery whose tables, functions and shell are followed.", collate="VERSION"),
    Column("config_hash", str, "config_hash", "SHA-1 of the configuration's files; '' for none.", collate="NOCASE"),
    Column("config_valid", int, "config_valid", "1 where there is a configuration and it is in order."),
    Column("extensions", str, "extensions", "'inactive': there are none."),
    Column("build_platform", str, "build_platform", "'sqlports'."),
    Column("build_distro", str, "build_distro", "Version of sqlports."),
    Column("start_time", int, "start_time", "When this process started, in seconds since 1970."),
    Column("watcher", int, "watcher", "Process that watches this one; -1 for none."),
    Column("platform_mask", int, "platform_mask", "The system: 1 POSIX, 2 Windows, 4 BSD, 8 Linux, 16 macOS, together."),
    key=("pid",),
    osquery="platform_mask",
    rows=1,
    examples=("SELECT version, build_platform, build_distro FROM osquery_info",),
)
def osquery_info(system: Snapshot) -> Iterable[Info]:
    """This program, one row: it is not osquery, and says so in build_platform."""
    return system.memo("osquery_info", lambda: [Info(system)])


def _read(root: str) -> list[str]:
    try:
        return [small_files.of_system(root, _UUID.encode()).decode("ascii", "replace").strip()]
    except FileNotFoundError:
        return [""]
