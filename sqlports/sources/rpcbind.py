"""The programs that are registered with rpcbind(8), by asking it."""

from __future__ import annotations

import errno
import os
import socket
import struct
import time

from sqlports.ports import rpc_programs
from sqlports.sources import rpc_messages, small_files
from sqlports.sources.procfs import text
from sqlports.sources.records import Unsupported
from sqlports.sources.rpc_messages import LAST, NotSpoken, Registration, registrations

SOURCE = "rpcbind"
# Where it listens: rpcbind(8), and RFC 1833 for the port.
PATHS = ("/run/rpcbind.sock", "/var/run/rpcbind.sock")
PORT = 111
# All of its answers together may take this long, in seconds, and have that many bytes.
PATIENCE = 1.0
GREATEST = 4 << 20
_VERSIONS = (4, 3, 2)
# How the system says that nobody is there.
_NOBODY = (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR)


def read(root: str) -> list[Registration]:
    """The registrations, in the order in which they are told. Raises OSError; Unsupported where nothing can be learnt."""
    if root != "/":
        raise Unsupported(SOURCE, "that of the running system alone can be asked")
    deadline = time.monotonic() + PATIENCE
    denied: OSError | None = None
    for address in (*PATHS, ("127.0.0.1", PORT)):
        try:
            connection = _connected(address, deadline)
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise _silent() from None
            if error.errno not in _NOBODY:
                denied = error
            continue
        with connection:
            return _asked(connection, deadline)
    if denied is not None:
        raise denied
    raise Unsupported(SOURCE, "none answers: RPC programs are registered nowhere")


def names(root: str) -> list[tuple[int, str]]:
    """The names of programs by rpc(5), in its order. Raises OSError, Unsupported; a system without that file has none."""
    try:
        return rpc_programs.parse(text(small_files.of_system(root, b"/etc/rpc")))
    except FileNotFoundError:
        return []


def _connected(address: str | tuple[str, int], deadline: float) -> socket.socket:
    """A connection to a path, or to an address and port. Raises OSError."""
    is_path = isinstance(address, str)
    if is_path and not hasattr(socket, "AF_UNIX"):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    connection = socket.socket(socket.AF_UNIX if is_path else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if not is_path:
            # Closed at once: a look leaves no TIME_WAIT behind.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        _limit(connection, deadline)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def _asked(connection: socket.socket, deadline: float) -> list[Registration]:
    """What it answers in the newest version that it speaks."""
    try:
        for version in _VERSIONS:
            _limit(connection, deadline)
            connection.sendall(rpc_messages.call(version))
            try:
                return registrations(_record(connection, deadline), version)
            except NotSpoken:
                continue
    except TimeoutError:
        raise _silent() from None
    except ValueError as error:
        raise Unsupported(SOURCE, f"what answers is no rpcbind: {error}") from None
    except ConnectionError:
        raise Unsupported(SOURCE, "it hangs up without an answer") from None
    raise Unsupported(SOURCE, "it speaks no version of its protocol that is known here")


def _record(connection: socket.socket, deadline: float) -> bytes:
    """One record, its fragments put together. Raises OSError, ValueError."""
    record = bytearray()
    taken = 0
    last = False
    while not last:
        mark = int.from_bytes(_exactly(connection, 4, deadline), "big")
        last, length = mark >= LAST, mark & ~LAST
        taken += 4 + length
        if taken > GREATEST:
            raise ValueError(f"its answer is longer than {GREATEST} bytes")
        record += _exactly(connection, length, deadline)
    return bytes(record)


def _exactly(connection: socket.socket, length: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < length:
        _limit(connection, deadline)
        part = connection.recv(min(length - len(data), 1 << 16))
        if not part:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        data += part
    return bytes(data)


def _limit(connection: socket.socket, deadline: float) -> None:
    """Let the next call take no longer than the rest of the time. Raises TimeoutError when there is none."""
    rest = deadline - time.monotonic()
    if rest <= 0:
        raise TimeoutError
    connection.settimeout(rest)


def _silent() -> Unsupported:
    return Unsupported(SOURCE, f"it did not answer within {PATIENCE:g} s")
