"""The machine of a look: its names, processors, memory, and what its firmware says of it (/sys/class/dmi/id)."""

from __future__ import annotations

import os
from functools import cached_property
from typing import NamedTuple

from sqlports.sources import kernel, kernel_files, small_files
from sqlports.sources.kernel_files import Cpus
from sqlports.sources.procfs import text
from sqlports.sources.records import Unsupported
from sqlports.sources.snapshot import Snapshot

_FIRMWARE = "/sys/class/dmi/id"
# What boards say that were given no number of their own.
_PLACEHOLDERS = {
    "00000000-0000-0000-0000-000000000000",
    "03000200-0400-0500-0006-000700080009",
    "03020100-0504-0706-0809-0a0b0c0d0e0f",
    "10000000-0000-8000-0040-000000000000",
}


class Names(NamedTuple):
    """The host's name, and with its domain as /etc/hosts has it."""

    host: str | None = None
    full: str | None = None


class Firmware(NamedTuple):
    """Vendor, model and version of the machine and of its board; '' for what the firmware does not tell."""

    vendor: str | None = None
    model: str | None = None
    version: str | None = None
    board_vendor: str | None = None
    board_model: str | None = None
    board_version: str | None = None


class Secret(NamedTuple):
    """What the kernel shows to root only."""

    value: str | None = None


class Machine:
    """The machine; its parts are read when they are asked for."""

    def __init__(self, system: Snapshot) -> None:
        self._system = system

    @cached_property
    def names(self) -> Names:
        """Its names. No name server is asked: that can take long."""
        host = self._host()
        if not host:
            return Names()
        hosts = self._system.ask("/etc/hosts", _hosts)
        full = next((names[0] for _, *names in hosts if host in names), host)
        return Names(host, full)

    @cached_property
    def architecture(self) -> Secret:
        """The kind of its processors, as uname(2) has it."""
        if self._is_here():
            return Secret(os.uname().machine)
        self._system.refuse("uname", None, Unsupported("uname", "this system alone can be asked"))
        return Secret()

    @cached_property
    def cpus(self) -> Cpus:
        """Its processors."""
        data = kernel.file(self._system, "/proc/cpuinfo")
        return Cpus() if data is None else kernel_files.cpus(data)

    @property
    def cpu_subtype(self) -> str | None:
        """The model number of the processors; '0' where the kernel tells none."""
        return None if self.cpus == Cpus() else self.cpus.model or "0"

    @cached_property
    def memory(self) -> int | None:
        """The memory that the kernel manages, in bytes."""
        found = kernel.memory(self._system)
        return found[0].memory_total if found else None

    @cached_property
    def firmware(self) -> Firmware:
        """What the firmware tells to all."""
        names = ("sys_vendor", "product_name", "product_version", "board_vendor", "board_name", "board_version")
        return Firmware(*map(self._told, names))

    @cached_property
    def uuid(self) -> Secret:
        """The number that the firmware gives the machine."""
        found = self._told("product_uuid")
        if found and found.lower() in _PLACEHOLDERS:
            source = f"{_FIRMWARE}/product_uuid"
            self._system.refuse(source, None, Unsupported(source, "it is a placeholder that many machines have"))
            return Secret()
        return Secret(found or None)

    @cached_property
    def serial(self) -> Secret:
        """The serial number of the machine."""
        return Secret(self._told("product_serial"))

    @cached_property
    def board_serial(self) -> Secret:
        """The serial number of its board."""
        return Secret(self._told("board_serial"))

    def _is_here(self) -> bool:
        return self._system.root == "/" or getattr(self._system.backend, "live", False)

    def _host(self) -> str | None:
        if self._system.root == "/":
            import socket

            return socket.gethostname()
        found = kernel.file(self._system, "/etc/hostname")
        words = text(found or b"").split()
        return words[0] if words else None

    def _told(self, name: str) -> str | None:
        """What the firmware tells; '' where it leaves that out. None, which is counted, where it may not be read."""
        path = f"{_FIRMWARE}/{name}"
        found = self._system.ask(path, lambda root: _told(root, path))
        return found[0] if found else None


def machine(system: Snapshot) -> list[Machine]:
    """The machine that is looked at."""
    return system.memo("machine", lambda: [Machine(system)])


def _told(root: str, path: str) -> list[str]:
    try:
        return [text(small_files.of_system(root, path.encode())).strip()]
    except FileNotFoundError:
        # The kernel makes a file for what the firmware has.
        if os.path.isdir(os.path.join(root, _FIRMWARE[1:])):
            return [""]
        raise Unsupported(_FIRMWARE, "there is none: the firmware of this machine tells nothing by DMI") from None


def _hosts(root: str) -> list[list[str]]:
    """The words of each line of hosts(5); none where there is no such file."""
    try:
        lines = text(small_files.of_system(root, b"/etc/hosts")).split("\n")
    except FileNotFoundError:
        return []
    return [words for line in lines if len(words := line.split("#")[0].split()) > 1]
