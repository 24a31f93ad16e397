"""Makes this machine busy, for measuring: processes that hold listeners, connections and files, all on loopback.

    python -P benchmarks/busy.py --processes 40

    with busy(Load.of(40)) as load:
        ...

It is meant to look like a server: workers that share a listener, as a web server's do, every connection from an address
of its own, IPv4 and IPv6, and among the descriptors also pipes, epolls, UDP and unix sockets. Linux only.

Nothing outlives it. Every process reads from a pipe that ends when whoever started it does, however that happened, and
every connection is reset when it is closed, so that no TIME_WAIT is left for the next run to find.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from typing import NamedTuple, NoReturn

# What every process has besides its own: standard input, output and error, the pipe, the shared listener.
INHERITED = 5
READY = "ready"
_RESET = struct.pack("ii", 1, 0)


class Load(NamedTuple):
    """What is to be held, in all processes together; `workers` is how many of them share one listener."""

    processes: int
    sockets: int
    descriptors: int
    workers: int = 8

    @classmethod
    def of(cls, processes: int) -> Load:
        """The usual mixture for this many processes: 400 have 16,000 TCP sockets and 27,000 descriptors."""
        return cls(processes, processes * 40, processes * 27_000 // 400)

    @classmethod
    def crowd(cls, load: Load) -> Load:
        """As many descriptors in very many processes: 1,500, for the usual load."""
        return cls(load.processes * 15 // 4, load.processes * 15 // 2, load.descriptors)

    def __str__(self) -> str:
        return f"{self.processes:,} processes, {self.sockets:,} TCP sockets, {self.descriptors:,} descriptors"

    @property
    def groups(self) -> int:
        """How many shared listeners there are."""
        return -(-self.processes // self.workers)

    def shares(self) -> list[tuple[int, int]]:
        """For each process: how many TCP sockets of its own, and how many descriptors with all. Raises ValueError."""
        sockets = _split(self.sockets - self.groups, self.processes)
        descriptors = _split(self.descriptors, self.processes)
        shares = list(zip(sockets, descriptors, strict=True))
        if any(own < 0 or own + INHERITED > held for own, held in shares):
            raise ValueError(f"{self}: it takes {self.groups} sockets, and {INHERITED} descriptors a process beside its own")
        return shares


def _split(total: int, parts: int) -> list[int]:
    return [total * (part + 1) // parts - total * part // parts for part in range(parts)]


@contextmanager
def busy(load: Load) -> Iterator[Load]:
    """The machine is busy inside. Raises RuntimeError when it could not be made so."""
    numbers = [f"--{name}={value}" for name, value in load._asdict().items()]
    # A process of its own does the forking: it has no threads, and nothing of the caller's to hand down.
    process = subprocess.Popen(
        [sys.executable, "-P", os.path.abspath(__file__), "--until-eof", *numbers],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdin
        assert process.stdout
        if not process.stdout.readline().startswith(b"ready"):
            raise RuntimeError(f"could not hold {load}")
        yield load
        process.stdin.close()


def hold(load: Load, until: Callable[[], object]) -> None:
    """Hold it, from this process, until `until` returns. Raises ValueError, OSError, RuntimeError."""
    shares = load.shares()
    _permit(max((descriptors for _, descriptors in shares), default=0) + 16)
    lifeline, keep = os.pipe()
    said, say = os.pipe()
    children: list[int] = []
    gc.freeze()
    try:
        for first in range(0, load.processes, load.workers):
            with socket.create_server(("127.0.0.1", 0)) as shared:
                for number in range(first, min(first + load.workers, load.processes)):
                    child = os.fork()
                    if not child:
                        os.close(keep)
                        os.close(said)
                        _child(number, shares[number], lifeline, say, shared)
                    children.append(child)
        os.close(say)
        answers = b"".join(iter(lambda: os.read(said, 1 << 12), b"")).decode().splitlines()
        failures = [answer for answer in answers if answer != READY]
        if failures:
            raise RuntimeError(f"{len(failures)} of {load.processes} processes failed, the first with {failures[0]}")
        if len(answers) < load.processes:
            raise RuntimeError(f"{load.processes - len(answers)} of {load.processes} processes ended early")
        print(f"ready: {load}", flush=True)
        until()
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def _permit(descriptors: int) -> None:
    """Raise the limit on descriptors of a process, where it is lower. Raises ValueError where that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < descriptors:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, max(hard, descriptors)))
        except (ValueError, OSError):
            raise ValueError(f"a process may have {hard} descriptors here, and not {descriptors}") from None


def _child(number: int, share: tuple[int, int], lifeline: int, say: int, shared: socket.socket) -> NoReturn:
    """One process: open everything, say so, and wait for the end."""
    sockets, descriptors = share
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        tcp = _tcp(number, sockets)
        others = _others(descriptors - sockets - INHERITED)
        assert len(tcp) == sockets
        assert shared.fileno() not in (*tcp, *others)
        # Whoever reads our output must see its end when our parent ends, and not when the last of us has.
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nothing, standard)
        os.close(nothing)
        os.write(say, f"{READY}\n".encode())
        os.close(say)
        os.read(lifeline, 1)
    except Exception as error:
        os.write(say, f"{error!r}\n".encode())
    finally:
        os._exit(0)


def _tcp(number: int, sockets: int) -> list[int]:
    """The descriptors of this many TCP sockets: a listener or two, and both ends of connections to them."""
    if not sockets:
        return []
    listeners = [socket.create_server(("127.0.0.1", 0))]
    if sockets % 2 == 0:
        listeners.append(_second_listener())
    kept = list(listeners)
    for connection in range((sockets - len(listeners)) // 2):
        # One in four goes to the second listener, which is the IPv6 one where there is IPv6.
        listener = listeners[-1 if connection % 4 == 0 else 0]
        client = socket.socket(listener.family)
        if listener.family == socket.AF_INET:
            client.bind((f"127.{64 + number // 256}.{number % 256}.{1 + connection % 254}", 0))
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        for end in (client, server):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        kept += [client, server]
    return [one.detach() for one in kept]


def _second_listener() -> socket.socket:
    with suppress(OSError):
        return socket.create_server(("::1", 0), family=socket.AF_INET6)
    return socket.create_server(("127.0.0.1", 0))


def _others(wanted: int) -> list[int]:
    """Descriptors of other things."""
    kept: list[int] = []
    makers = cycle((os.pipe, _unix_pair, _udp, _epoll, *(_file,) * 9))
    while len(kept) < wanted:
        kept += next(makers)()
    for descriptor in kept[wanted:]:
        os.close(descriptor)
    return kept[:wanted]


def _unix_pair() -> tuple[int, ...]:
    return tuple(end.detach() for end in socket.socketpair())


def _udp() -> tuple[int, ...]:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("127.0.0.1", 0))
    return (one.detach(),)


def _epoll() -> tuple[int, ...]:
    # The object closes its descriptor when it goes, so a copy is what is kept.
    with select.epoll() as one:
        return (os.dup(one.fileno()),)


def _file() -> tuple[int, ...]:
    return (os.open(__file__, os.O_RDONLY),)


def _wait_for_signal() -> NoReturn:
    while True:
        signal.pause()


def main() -> int:
    """Hold it until interrupted. Exit status 1 when it could not be held."""
    parser = argparse.ArgumentParser(description="Make this machine busy until interrupted.")
    parser.add_argument("--processes", type=int, default=400)
    parser.add_argument("--sockets", type=int, help="TCP sockets in all processes together; 40 for each by default")
    parser.add_argument("--descriptors", type=int, help="open descriptors in all; 67.5 for each process by default")
    parser.add_argument("--workers", type=int, default=8, help="how many processes share one listener")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does")
    asked = parser.parse_args()
    usual = Load.of(asked.processes)
    load = Load(
        asked.processes,
        usual.sockets if asked.sockets is None else asked.sockets,
        usual.descriptors if asked.descriptors is None else asked.descriptors,
        asked.workers,
    )
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        hold(load, sys.stdin.read if asked.until_eof else _wait_for_signal)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"busy.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
