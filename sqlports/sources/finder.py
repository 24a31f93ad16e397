"""Which network namespaces there are (network_namespaces(7))."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlports.sources import mounts, procfs
from sqlports.sources.namespaces import Namespace, key, whole_file

if TYPE_CHECKING:
    from sqlports.sources.copies import Copy


class Finder:
    """Finds every network namespace that has a process, a mount or, once the handles are read, a descriptor, each once.

    `refuse` is told (source, pid, error) of one that is there and cannot be known.
    """

    def __init__(self, proc: str, here: bool, copy: Copy | None, refuse: Callable[[str, int | None, Exception], None]) -> None:
        self.proc = proc
        self.refuse = refuse
        self.found: dict[object, Namespace] = {}
        self._mountinfo: str | None = None
        self._device: int | None = None
        self._is_copy = copy is not None
        if copy is not None:
            # Its links lead to the namespaces of this system, if to any.
            self.mine = Namespace(proc, own="1/net" if copy.has("1/net") else "net", here=False, read=copy.file)
            self.found[None] = self.mine
            return
        # In the /proc of another system `self` would still be us, if anything.
        own = f"{proc}/thread-self" if here else f"{proc}/1" if os.path.exists(f"{proc}/1/net") else proc
        self.mine = Namespace(proc, own=f"{own}/net", here=here)
        # Nor would a mount that is seen from here say much of that system.
        self._mountinfo = f"{own}/mountinfo" if here else None
        if not here:
            with suppress(OSError):
                self.mine.keep(os.open(f"{own}/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        with suppress(OSError):
            status = os.stat(f"{own}/ns/net")
            self.mine.inode, self._device = status.st_ino, status.st_dev
        self.found[self.mine.inode] = self.mine

    def close(self) -> None:
        """Close what is held open."""
        for namespace in self.found.values():
            namespace.close()

    def all(self, pids: list[int]) -> list[Namespace]:
        """Those of these processes and of the mounts that are seen from here."""
        if self._is_copy:
            self.mine.processes = 0
            return [self.mine]
        denied = []
        known = {f"net:[{inode}]": namespace for inode, namespace in self.found.items()}
        readlink, proc = os.readlink, self.proc
        for pid in pids:
            try:
                namespace = known.get(link := readlink(f"{proc}/{pid}/ns/net"))
                if namespace is None:
                    namespace = known[link] = self._opened(f"{proc}/{pid}/ns/net")
                namespace.add(pid)
            except PermissionError as error:
                denied.append((pid, error))
            except OSError:
                self._of_thread(pid)
        self._by_key(denied)
        self._mounted()
        for namespace in self.found.values():
            namespace.processes = namespace.processes or 0
        return list(self.found.values())

    def _of_thread(self, pid: int) -> None:
        """Note a process that is in no namespace by itself: it ended, but if its first thread alone did, others are in one."""
        with suppress(OSError):
            for tid in os.listdir(f"{self.proc}/{pid}/task"):
                if tid != str(pid):
                    self._opened(f"{self.proc}/{pid}/task/{tid}/ns/net").add(pid)
                    return

    def _opened(self, path: str | bytes) -> Namespace:
        """The namespace of a file, which is kept open. Raises OSError."""
        # Something else may be mounted over it, even a pipe that has no other end.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(handle)
        inode = status.st_ino
        if inode in self.found or (self._device is not None and status.st_dev != self._device):
            os.close(handle)
            if inode not in self.found:
                raise FileNotFoundError(errno.ENOENT, "it is no namespace")
            return self.found[inode]
        namespace = self.found[inode] = Namespace(self.proc, inode)
        namespace.keep(handle)
        return namespace

    def led_to(self, place: str) -> Namespace | None:
        """The namespace that a file below /proc leads to; None where that is known, or cannot be."""
        if self._is_copy:
            return None
        before = len(self.found)
        try:
            namespace = self._opened(f"{self.proc}/{place}")
        except OSError:
            return None
        if len(self.found) == before:
            return None
        namespace.processes = 0
        return namespace

    def _by_key(self, denied: list[tuple[int, PermissionError]]) -> None:
        """Sort in the processes that do not tell their namespace: what their files of /proc/net are tells it apart."""
        if not denied:
            return
        keys: dict[int, Namespace] = {}
        for namespace in self.found.values():
            if namespace.own is not None:
                with suppress(OSError):
                    keys[os.stat(f"{namespace.own}/tcp").st_ino] = namespace
            elif namespace.key is not None:
                keys[namespace.key] = namespace
        for pid, error in denied:
            try:
                number = key(self.proc, pid)
            except PermissionError:
                self.refuse("/proc/PID/ns/net", pid, error)
                continue
            except OSError:
                continue
            if number not in keys:
                keys[number] = self.found["key", number] = Namespace(self.proc)
                self.refuse("/proc/PID/ns/net", pid, error)
            keys[number].add(pid)

    def _mounted(self) -> None:
        """Those that are mounted, as `ip netns add` and containers do it: they may have no process."""
        if self._mountinfo is None:
            return
        with suppress(OSError):
            for inode, path in mounts.net_namespaces(whole_file(self._mountinfo)):
                namespace = self.found.get(inode)
                if namespace is None:
                    try:
                        namespace = self._opened(path)
                        namespace.dismount()
                    except OSError as error:
                        lost = self.found.pop(inode, None)
                        if lost is not None:
                            lost.close()
                        if error.errno != errno.ENOENT:
                            self.refuse(procfs.text(path), None, error)
                        continue
                namespace.path = namespace.path or procfs.text(path)
