"""Files found by name: those of a path, of a directory, of a pattern."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sqlports.schema import Like, Names
from sqlports.sources import patterns
from sqlports.sources.files import FILES, File, parent
from sqlports.sources.procfs import text
from sqlports.sources.records import Unsupported

if TYPE_CHECKING:
    from sqlports.sources.patterns import Component
    from sqlports.sources.rooted import Name, Root
    from sqlports.sources.snapshot import Snapshot

T = TypeVar("T")

# How the system says that there is no such file: none of the name, a file for a directory, links in a circle, a name that no
# file system has.
ABSENT = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.ESRCH))

# How many roots of processes are held open, and how many rows are kept for a second search that is the same.
ROOTS = 16
KEPT = 100_000

# What `text` writes for a byte that is not UTF-8, and a file may be called by itself.
_WRITTEN = re.compile(r"\\x[89a-f][0-9a-f]")


class Files:
    """The files of a look, found by name.

    mount_namespaces  the mount namespaces of the processes below whose roots was looked
    """

    def __init__(self, system: Snapshot) -> None:
        self.system = system
        self.mount_namespaces: dict[int, str | None] = {}
        self._roots: OrderedDict[int, Root] = OrderedDict()
        self._rootless: set[int] = set()
        self._named: dict[tuple[int, str], list[File]] = {}
        self._lists: dict[tuple[object, ...], list[File]] = {}
        self._room = KEPT

    def close(self) -> None:
        """Give up all that was found."""
        while self._roots:
            self._roots.popitem()[1].close()
        self._named.clear()
        self._lists.clear()

    def find(self, path: Names, directory: Names, pids: frozenset[int] | None) -> Iterator[File]:
        """The files of these paths, or in these directories; below the roots of these processes, 0 being the system's own.

        What is most narrow is looked for, and more may be given than was asked for.
        """
        for pid in sorted(pids) if pids is not None else (0,):
            if isinstance(path, frozenset):
                for name in sorted(path):
                    yield from self._of_path(pid, name)
            elif isinstance(directory, frozenset):
                for name in sorted(directory):
                    yield from self._kept((pid, name), partial(self._in, pid, name))
            elif path is not None and (directory is None or path.pattern.startswith("/")):
                yield from self._kept((pid, "path", path), partial(self._like, pid, path))
            elif directory is not None:
                yield from self._kept((pid, "directory", directory), partial(self._in_like, pid, directory))

    def asked(self, pid: int, ask: Callable[[Root], T], source: str) -> tuple[T | None, bool]:
        """What is answered below a root: None where it is refused, which is counted, or where there is no such file.

        And whether there is none.
        """
        self.system.check()
        root = self._root(pid)
        if root is None:
            return None, True
        try:
            return ask(root), False
        except ValueError:
            return None, True  # no name has a NUL
        except OSError as error:
            if error.errno not in ABSENT:
                self.system.refuse(source, None, error)
            return None, error.errno in ABSENT

    def _root(self, pid: int) -> Root | None:
        if pid not in self._roots:
            if pid in self._rootless:
                return None
            try:
                self._roots[pid] = root = self.system.backend.tree(pid)
            except (OSError, Unsupported) as error:
                self._rootless.add(pid)
                if not pid:
                    self.system.refuse(FILES, None, error)
                elif isinstance(error, Unsupported) or error.errno not in ABSENT:
                    self.system.refuse("/proc/PID/root", pid, error)
                return None
            self.mount_namespaces[pid] = root.mount_namespace
            if len(self._roots) > ROOTS:
                self._roots.popitem(last=False)[1].close()
        self._roots.move_to_end(pid)
        return self._roots[pid]

    def _kept(self, key: tuple[object, ...], make: Callable[[], Iterator[File]]) -> Iterator[File]:
        """The files of a search; of one that was read to its end before, and was not too long, the same again."""
        if key in self._lists:
            yield from self._lists[key]
            return
        rows: list[File] = []
        for row in make():
            if len(rows) <= self._room:
                rows.append(row)
            yield row
        if len(rows) <= self._room and key not in self._lists:
            self._lists[key] = rows
            self._room -= len(rows)

    def _of_path(self, pid: int, path: str) -> list[File]:
        found = self._named.get((pid, path))
        if found is None:
            directory = parent(path)
            files = [File(self, pid, raw, path, directory) for raw in self._spelled(pid, path)]
            found = self._named[pid, path] = [file for file in files if file.stat.place is not None]
        return found

    def _in(self, pid: int, directory: str) -> Iterator[File]:
        for raw in self._spelled(pid, directory):
            yield from self._entries(pid, directory, raw)

    def _entries(self, pid: int, directory: str, raw: bytes) -> Iterator[File]:
        for name in self._listing(pid, raw) or ():
            yield File(self, pid, os.path.join(raw, name.name), os.path.join(directory, text(name.name)), directory)

    def _like(self, pid: int, like: Like) -> Iterator[File]:
        for raw, kind in self._matching(pid, like):
            path = text(raw)
            file = File(self, pid, raw, path, parent(path))
            # What was not listed may not be there.
            if kind or file.stat.place is not None:
                yield file

    def _in_like(self, pid: int, like: Like) -> Iterator[File]:
        parsed = patterns.parse(like.pattern, like.glob)
        for raw, kind in self._matching(pid, like):
            if self._is_directory(pid, raw, kind, follow=not (parsed and parsed.recursive)):
                yield from self._entries(pid, text(raw), raw)

    def _spelled(self, pid: int, path: str) -> list[bytes]:
        """The names that are shown as this path: several where one has a byte that is no UTF-8 and another writes it out."""
        if not os.path.isabs(path):
            return []
        if not _WRITTEN.search(path):
            return [path.encode()]
        parsed = patterns.literal(path)
        return [raw for raw, _ in self._expand(pid, parsed.components)]

    def _matching(self, pid: int, like: Like) -> Iterator[tuple[bytes, str]]:
        """The paths that a pattern stands for, each with its kind as `Name` has it; '' where only the path is known."""
        parsed = patterns.parse(like.pattern, like.glob)
        if parsed is None:
            self.system.refuse(FILES, None, Unsupported(FILES, "a pattern of paths begins with /"))
            return
        if not parsed.recursive:
            yield from self._expand(pid, parsed.components)
            return
        *components, last = parsed.components
        end = b"" if last.text else last.slashes.encode()
        for raw, kind in self._expand(pid, components if end else parsed.components):
            for below, of_kind in self._below(pid, raw, kind):
                if not end or of_kind == "d":
                    yield below + end, of_kind

    def _below(self, pid: int, raw: bytes, kind: str) -> Iterator[tuple[bytes, str]]:
        """A path and all that is below it, through no link."""
        is_directory = self._is_directory(pid, raw, kind, follow=False)
        yield raw, "d" if is_directory else kind
        left = [raw] if is_directory else []
        while left:
            here = left.pop()
            for name in self._listing(pid, here) or ():
                path = os.path.join(here, name.name)
                yield path, name.kind or "?"
                if name.kind == "d":
                    left.append(path)

    def _expand(self, pid: int, components: Sequence[Component]) -> Iterator[tuple[bytes, str]]:
        """The paths that these components stand for, one after the other."""
        found = [b""]
        for component in components[:-1]:
            found = [raw for path in found for raw, kind in self._step(pid, path, component) if kind != "f"]
        for path in found:
            yield from self._step(pid, path, components[-1])

    def _step(self, pid: int, before: bytes, component: Component) -> Iterator[tuple[bytes, str]]:
        here = before + component.slashes.encode()
        if component.matches is None and not _WRITTEN.search(component.text):
            yield here + component.text.encode(), ""
            return
        names = self._listing(pid, here)
        if names is None:
            # What may not be listed may still be entered by one who knows the name.
            yield here + component.text.encode(), ""
            return
        for name in names:
            shown = text(name.name)
            if component.matches.fullmatch(shown) if component.matches else shown == component.text:
                yield here + name.name, name.kind or "?"

    def _listing(self, pid: int, path: bytes) -> list[Name] | None:
        """The entries of a directory; none of what is none, None for one that may not be read."""
        self.system.reads["directory"] += 1
        names, is_gone = self.asked(pid, lambda root: root.listing(path), FILES)
        return [] if is_gone else names

    def _is_directory(self, pid: int, raw: bytes, kind: str, follow: bool) -> bool:
        if kind in ("d", "f") or (kind == "l" and not follow):
            return kind == "d"
        status, _ = self.asked(pid, lambda root: root.status(raw, follow), FILES)
        return status is not None and stat.S_ISDIR(status.st_mode)
