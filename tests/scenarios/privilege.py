"""What the audits of the pack privilege look for."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import struct

import pytest

from ..fire import NEW_USERS, done, library
from . import Rows, bad, harmless
from .stage import WAITS, Stage

KEEP_CAPABILITIES, AMBIENT, RAISE = 8, 47, 2
DAC_OVERRIDE, NET_BIND_SERVICE, SYS_ADMIN = 1, 10, 21


def become(uid: int, *capabilities: int) -> None:
    """Become a user who keeps some capabilities, also through exec."""
    bits = sum(1 << number for number in capabilities)
    done(library().prctl(KEEP_CAPABILITIES, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    header = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0))
    done(library().capset(header, ctypes.create_string_buffer(struct.pack("=6I", bits, bits, bits, 0, 0, 0))))
    for number in capabilities:
        done(library().prctl(AMBIENT, RAISE, number, 0, 0))


def users(stage: Stage) -> None:
    """Skip the test where there is one user only."""
    if not stage.has_users():
        pytest.skip("this user namespace has one user only")


def sleeps(stage: Stage, exe: str, mode: int, uid: int) -> int:
    """A program of root's, of this mode, that a user starts. It is no shell: those give up what a set-uid bit gives."""
    users(stage)
    os.makedirs(os.path.dirname(exe), exist_ok=True)
    shutil.copy(shutil.which("sleep") or "/bin/sleep", exe)
    os.chmod(exe, mode)

    def start() -> None:
        os.setresuid(uid, uid, uid)
        os.execv(exe, ["sleep", "1000000"])

    return stage.process(start, exe=exe)


@bad("privileged-port-of-user")
def _(stage: Stage) -> Rows:
    web = stage.process(lambda: stage.listen("0.0.0.0", 81), uid=1000, exe="/opt/web")
    dns = stage.process(lambda: stage.listen("::1", 53, socket.SOCK_DGRAM), uid=1000, exe="/opt/dns")

    def serve() -> None:
        become(1000, NET_BIND_SERVICE)
        stage.listen("127.0.0.1", 82)

    able = stage.process(serve, exe="/opt/able")
    return [
        {"protocol": "tcp", "port": 81, "process": "web", "pid": web, "path": "/opt/web", "capable": 0},
        {"protocol": "udp", "port": 53, "process": "dns", "pid": dns, "path": "/opt/dns", "capable": 0},
        {"protocol": "tcp", "port": 82, "process": "able", "pid": able, "path": "/opt/able", "capable": 1},
    ]


@harmless("privileged-port-of-user")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("0.0.0.0", 81), exe="/opt/web")
    if stage.has_users():
        stage.process(lambda: stage.listen("0.0.0.0", 1024), uid=1000, exe="/opt/app")

        def bind() -> None:
            """It has the port, and takes nothing."""
            stage.kept.append(socket.socket())
            stage.kept[-1].bind(("0.0.0.0", 82))

        stage.process(bind, uid=1000)


@bad("root-on-unprivileged-port")
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: stage.listen("0.0.0.0", 8080), exe="/opt/app")
    other = stage.process(lambda: stage.listen("::", 1024), exe="/opt/other")
    return [
        {"protocol": "tcp", "address": "0.0.0.0", "port": 8080, "process": "app", "pid": pid, "user": "root"},
        {"protocol": "tcp", "address": "::", "port": 1024, "process": "other", "pid": other, "user": "root"},
    ]


@bad("root-on-unprivileged-port")
def _(stage: Stage) -> Rows:
    """A socket that nobody holds, since it is on its way from one process to another."""
    ends = socket.socketpair()
    stage.kept.extend(ends)
    with stage.listen("0.0.0.0", 8080) as made:
        socket.send_fds(ends[0], [b"x"], [made.fileno()])
    return [{"address": "0.0.0.0", "port": 8080, "process": None, "pid": None, "user": "root"}]


@harmless("root-on-unprivileged-port", known="/opt/known/*")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("127.0.0.1", 8080), exe="/opt/app")
    stage.process(lambda: stage.listen("0.0.0.0", 1023), exe="/opt/low")
    stage.process(lambda: stage.listen("0.0.0.0", 8081), exe="/opt/known/app")
    if stage.has_users():
        stage.process(lambda: stage.listen("0.0.0.0", 8082), uid=1000, exe="/opt/users")


@bad("setuid-process")
def _(stage: Stage) -> Rows:
    pid = sleeps(stage, "/srv/rootshell", 0o4755, 1000)
    return [{"process": "rootshell", "pid": pid, "path": "/srv/rootshell", "user": "root", "set_uid": 1}]


@bad("setuid-process", packaged="/srv")
def _(stage: Stage) -> Rows:
    """A program of a package that is not known for it; one of another place is not sudo because it is called so."""
    package = sleeps(stage, "/srv/helper", 0o4755, 1000)
    false = sleeps(stage, "/opt/sudo", 0o4755, 1000)
    return [
        {"pid": package, "path": "/srv/helper", "severity": "info"},
        {"pid": false, "path": "/opt/sudo", "severity": "info"},
    ]


@harmless("setuid-process", packaged="/srv")
def _(stage: Stage) -> None:
    sleeps(stage, "/srv/sudo", 0o4755, 1000)
    sleeps(stage, "/opt/plain", 0o755, 1000)
    sleeps(stage, "/opt/own", 0o4755, 0)


@bad("excess-capabilities")
def _(stage: Stage) -> Rows:
    users(stage)
    pid = stage.process(lambda: become(1000, DAC_OVERRIDE, SYS_ADMIN, NET_BIND_SERVICE), exe="/opt/agent")
    return [
        {
            "process": "agent",
            "pid": pid,
            "path": "/opt/agent",
            "capabilities": "CAP_SYS_ADMIN, CAP_DAC_OVERRIDE",
            "ambient": "CAP_DAC_OVERRIDE|CAP_NET_BIND_SERVICE|CAP_SYS_ADMIN",
            "processes": 1,
        }
    ]


@harmless("excess-capabilities")
def _(stage: Stage) -> None:
    stage.process(exe="/opt/root")
    users(stage)
    stage.process(lambda: become(1000, NET_BIND_SERVICE), exe="/opt/web")
    stage.process(uid=1000, exe="/opt/user")

    def browse() -> None:
        """As a browser does: all capabilities, in a user namespace of its own."""
        become(1000)
        done(library().unshare(NEW_USERS))

    stage.process(browse)


@bad("secret-in-command-line")
def _(stage: Stage) -> Rows:
    pid = stage.process(exe="/opt/backup", argv=["--user", "ann", "--password", "two words", "--host=db"])
    url = stage.process(exe="/opt/psql", argv=["postgres://ann:hunter2@db/shop"])
    return [
        {"process": "backup", "pid": pid, "command": f"backup -c {WAITS} --user ann --password **** --host=db", "processes": 1},
        {"process": "psql", "pid": url, "command": f"psql -c {WAITS} postgres://ann:****@db/shop", "processes": 1},
    ]


@harmless("secret-in-command-line")
def _(stage: Stage) -> None:
    stage.process(exe="/opt/backup", argv=["--password-file", "/run/secret", "--user", "ann"])
    stage.process(exe="/opt/other", argv=["--password=", "--token", "$TOKEN", "-p", "3306:3306", "https://ann@host:80/"])


@bad("secret-in-environment")
def _(stage: Stage) -> Rows:
    pid = stage.process(
        exe="/opt/app", env={"DB_PASSWORD": "two words", "DB": "postgres://ann:hunter2@db/shop", "HOME": "/root", "PWD": "/opt"}
    )
    return [
        {"variable": "DB_PASSWORD", "value": "****", "process": "app", "pid": pid, "path": "/opt/app"},
        {"variable": "DB", "value": "postgres://ann:****@db/shop", "process": "app", "pid": pid, "path": "/opt/app"},
    ]


@harmless("secret-in-environment")
def _(stage: Stage) -> None:
    stage.process(
        exe="/opt/app",
        env={"DB_PASSWORD_FILE": "/run/x", "TOKEN": "", "PWD": "/opt", "SSH_AUTH_SOCK": "/run/ssh", "API_KEY": "$KEY"},
    )


@bad("reuseport-of-two-programs")
def _(stage: Stage) -> Rows:
    stage.process(lambda: stage.listen("0.0.0.0", 8080, reuse_port=True), exe="/opt/web")
    stage.process(lambda: stage.listen("0.0.0.0", 8080, reuse_port=True), exe="/opt/thief")
    return [
        {
            "protocol": "tcp",
            "address": "0.0.0.0",
            "port": 8080,
            "programs": 2,
            "users": 1,
            "processes": 2,
            "sockets": 2,
            "severity": "medium",
        }
    ]


@harmless("reuseport-of-two-programs")
def _(stage: Stage) -> None:
    for program in ("/opt/web", "/opt/thief"):
        stage.process(lambda: stage.listen("0.0.0.0", 5353, socket.SOCK_DGRAM, reuse_port=True), exe=program)
        stage.process(lambda: stage.listen("0.0.0.0", 8080, reuse_port=True), exe="/opt/web")
    stage.process(lambda: stage.listen("127.0.0.1", 8080, reuse_port=True), exe="/opt/other")


@bad("writable-program-of-root")
def _(stage: Stage) -> Rows:
    stage.copy("/opt/open")
    os.chmod("/opt/open", 0o757)
    pid = stage.process(exe="/opt/open")
    stage.process(exe="/opt/open")
    return [{"process": "open", "pid": pid, "path": "/opt/open", "who": "everybody", "mode": "0757"}]


@bad("writable-program-of-root")
def _(stage: Stage) -> Rows:
    users(stage)
    for name, uid, gid, mode in (("owned", 1000, 0, 0o755), ("grouped", 0, 1000, 0o775), ("sealed", 0, 1000, 0o755)):
        stage.copy(f"/opt/{name}")
        os.chown(f"/opt/{name}", uid, gid)
        os.chmod(f"/opt/{name}", mode)
    owned, grouped, _ = (stage.process(exe=f"/opt/{name}") for name in ("owned", "grouped", "sealed"))
    return [{"pid": owned, "who": "its owner", "mode": "0755"}, {"pid": grouped, "who": "its group", "mode": "0775"}]


@harmless("writable-program-of-root")
def _(stage: Stage) -> None:
    stage.copy("/opt/grouped")
    os.chmod("/opt/grouped", 0o775)
    stage.process(exe="/opt/grouped")
    stage.process(exe="/opt/closed")
    stage.process(exe="/opt/replaced")
    os.remove("/opt/replaced")
    stage.copy("/opt/replaced")
    os.chmod("/opt/replaced", 0o777)
    if stage.has_users():
        stage.copy("/opt/users")
        os.chmod("/opt/users", 0o777)
        stage.process(exe="/opt/users", uid=1000)
