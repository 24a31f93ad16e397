"""What the audits of the pack exposure look for."""

from __future__ import annotations

import os
import socket
from typing import Any, NamedTuple

from ..fire import NEW_NETWORK, done, library
from . import Rows, bad, harmless
from .stage import Stage

UDP = socket.SOCK_DGRAM

# Addresses of this machine by how far they are known: to the Internet, or to a private network.
GLOBAL = ("8.8.4.4", "2606:4700::9")
PRIVATE = ("10.1.2.3", "fd00::5")


class Offer(NamedTuple):
    """A port that a program offers, and how severe that is on all or a global address, on a private one, in a container."""

    audit: str
    exe: str
    port: int
    world: str
    near: str
    inside: str
    argv: tuple[str, ...] = ()
    kind: int = socket.SOCK_STREAM
    more: tuple[tuple[str, Any], ...] = ()

    def start(self, stage: Stage, *addresses: str, v6only: bool = True) -> int:
        def listen() -> None:
            for address in addresses:
                stage.listen(address, self.port, self.kind, v6only=v6only)

        return stage.process(listen, exe=self.exe, argv=list(self.argv))

    def row(self, pid: int, address: str, scope: str, severity: str) -> dict[str, Any]:
        name = os.path.basename(self.exe)[:15]
        protocol = "udp" if self.kind == UDP else "tcp"
        told = {"protocol": protocol, "address": address, "port": self.port, "scope": scope, "severity": severity}
        return {**told, "process": name, "path": self.exe, "pid": pid, **dict(self.more)}


OFFERS = (
    Offer("exposed-database", "/opt/db/database", 5432, "high", "medium", "low"),
    Offer("exposed-database", "/opt/db/postgres", 5999, "high", "medium", "low"),
    Offer("exposed-cache", "/opt/cache/store", 6379, "high", "medium", "low"),
    Offer("exposed-cache", "/opt/cache/valkey-server", 7999, "high", "medium", "low"),
    Offer("exposed-docker-api", "/opt/docker/any", 2375, "critical", "high", "medium"),
    Offer("exposed-docker-api", "/opt/docker/dockerd", 9999, "critical", "high", "medium"),
    Offer("exposed-docker-api", "/opt/docker/dockerd", 2376, "medium", "low", "low"),
    Offer("exposed-docker-api", "/opt/docker/podman", 8888, "critical", "high", "medium", ("system", "service", "tcp:x:8888")),
    Offer("exposed-kubelet", "/opt/k8s/kubelet", 10250, "medium", "low", "low"),
    Offer("exposed-kubelet", "/opt/k8s/kubelet", 10255, "high", "medium", "low"),
    Offer("exposed-etcd", "/opt/k8s/any", 2379, "high", "low", "low"),
    Offer("exposed-etcd", "/opt/k8s/etcd", 12379, "high", "low", "low"),
    Offer("exposed-metrics", "/opt/metrics/node_exporter", 9100, "low", "info", "info"),
    Offer("exposed-search-engine", "/opt/search/java", 9200, "high", "medium", "low"),
    Offer("exposed-message-broker", "/opt/broker/beam.smp", 5672, "medium", "low", "low"),
    Offer("exposed-notebook", "/opt/python/python3", 8888, "high", "medium", "low"),
    Offer("exposed-notebook", "/opt/python/python3", 9999, "high", "medium", "low", ("/opt/python/jupyter-lab", "--port=9999")),
    Offer("exposed-remote-desktop", "/opt/x/any", 5901, "high", "medium", "low", more=(("desktop", "VNC"),)),
    Offer("exposed-remote-desktop", "/opt/x/Xorg", 6000, "high", "medium", "low", more=(("desktop", "X"),)),
    Offer("exposed-remote-desktop", "/opt/x/Xvnc", 6001, "high", "medium", "low", more=(("desktop", "VNC"),)),
    Offer("exposed-remote-desktop", "/opt/x/xrdp", 3389, "medium", "low", "low", more=(("desktop", "RDP"),)),
    Offer("exposed-remote-desktop", "/opt/x/gdm3", 177, "medium", "low", "low", kind=UDP, more=(("desktop", "XDMCP"),)),
    Offer("exposed-file-sharing", "/opt/files/smbd", 445, "medium", "low", "info"),
    Offer("exposed-file-sharing", "/opt/files/nfs", 2049, "medium", "low", "info", kind=UDP),
    Offer("exposed-file-sharing", "/opt/files/rpcbind", 111, "low", "low", "info", kind=UDP),
    Offer("amplification-service", "/opt/udp/memcached", 11211, "high", "info", "info", kind=UDP),
    Offer("amplification-service", "/opt/udp/snmpd", 161, "medium", "info", "info", kind=UDP),
    Offer("amplification-service", "/opt/udp/dnsmasq", 53, "low", "info", "info", kind=UDP),
    Offer("amplification-service", "/opt/udp/ntpd", 123, "info", "info", "info", kind=UDP),
    Offer("cleartext-service", "/opt/clear/telnetd", 23, "high", "medium", "low"),
    Offer("cleartext-service", "/opt/clear/vsftpd", 21, "medium", "medium", "low"),
    Offer("cleartext-service", "/opt/clear/dovecot", 143, "low", "low", "low"),
    Offer("cleartext-service", "/opt/clear/in.tftpd", 69, "medium", "medium", "low", kind=UDP),
    Offer("cleartext-service", "/opt/clear/in.rshd", 514, "high", "medium", "low"),
)

DEBUGGERS = (
    ("Node.js inspector", "/opt/dev/any", 9229, ()),
    ("Node.js inspector", "/opt/dev/node", 9999, ("--inspect=0.0.0.0:9999",)),
    ("Java debugger", "/opt/dev/java", 5005, ()),
    ("Java debugger", "/opt/dev/java", 9999, ("-agentlib:jdwp=transport=dt_socket,server=y,address=*:9999",)),
    ("Java debugger", "/opt/dev/java", 9999, ("-agentlib:jdwp=transport=dt_socket,address=9999,server=y",)),
    ("debugpy", "/opt/dev/python3.11", 5678, ()),
    ("debugpy", "/opt/dev/python3", 9999, ("-m", "debugpy", "--listen", "0.0.0.0:9999", "app.py")),
    ("debugpy", "/opt/dev/python3", 9998, ("-m", "debugpy", "--listen", "9998", "app.py")),
    ("Chrome DevTools", "/opt/dev/any", 9222, ()),
    ("Chrome DevTools", "/opt/dev/chrome", 9999, ("--remote-debugging-port=9999",)),
    ("Delve", "/opt/dev/dlv", 2345, ()),
    ("gdbserver", "/opt/dev/gdbserver", 4321, ()),
    ("GDB stub of QEMU", "/opt/dev/qemu-system-x86_64", 1234, ()),
    ("Android debug bridge", "/opt/dev/adb", 5037, ()),
)

PARTS = (
    ("API server without login", "/opt/k8s/kube-apiserver", 8080, "critical", "high", "low"),
    ("controller manager without login", "/opt/k8s/kube-controller-manager", 10252, "high", "medium", "low"),
    ("scheduler", "/opt/k8s/kube-scheduler", 10259, "low", "low", "low"),
    ("API server", "/opt/k8s/kube-apiserver", 6443, "info", "info", "info"),
)


def addresses(stage: Stage) -> None:
    for address in (*GLOBAL, *PRIVATE):
        stage.address(f"{address}/{128 if ':' in address else 32}")


def offered(offers: tuple[Offer, ...]) -> None:
    """Scenarios for all offers of one audit."""
    audit = offers[0].audit

    @bad(audit)
    def _(stage: Stage) -> Rows:
        rows = []
        for offer in offers:
            pid = offer.start(stage, "0.0.0.0", "::")
            rows += [offer.row(pid, address, "all", offer.world) for address in ("0.0.0.0", "::")]
        return rows

    @bad(audit)
    def _(stage: Stage) -> Rows:
        addresses(stage)
        rows = []
        for offer in offers:
            pid = offer.start(stage, *GLOBAL, *PRIVATE)
            rows += [offer.row(pid, address, "address", offer.world) for address in GLOBAL]
            rows += [offer.row(pid, address, "address", offer.near) for address in PRIVATE]
        return rows

    @bad(audit)
    def _(stage: Stage) -> Rows:
        rows = []
        for offer in offers:

            def inside(offer: Offer = offer) -> None:
                done(library().unshare(NEW_NETWORK))
                stage.listen("::", offer.port, offer.kind, v6only=False)

            pid = stage.process(inside, exe=offer.exe, argv=list(offer.argv))
            rows.append(offer.row(pid, "::", "all", offer.inside))
        return rows

    @harmless(audit)
    def _(stage: Stage) -> None:
        for offer in offers:
            offer.start(stage, "127.0.0.1", "::1")
            offer.start(stage, "::ffff:127.0.0.2", v6only=False)


for name in dict.fromkeys(offer.audit for offer in OFFERS):
    offered(tuple(offer for offer in OFFERS if offer.audit == name))
offered(
    tuple(
        Offer("exposed-kubernetes-control-plane", exe, port, *severities, more=(("part", part),))
        for part, exe, port, *severities in PARTS
    )
)


@bad("exposed-database", ports="7777", programs="")
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: stage.listen("::", 7777, v6only=False), exe="/opt/db/any")
    stage.process(lambda: stage.listen("0.0.0.0", 5432), exe="/opt/db/postgres")
    return [{"address": "::", "port": 7777, "scope": "all", "process": "any", "pid": pid, "severity": "high"}]


@bad("exposed-kubernetes-control-plane")
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: stage.listen("0.0.0.0", 8001), exe="/opt/k8s/kubectl", argv=["proxy", "--address=0.0.0.0"])
    return [{"part": "API server by kubectl proxy", "port": 8001, "pid": pid, "severity": "critical"}]


@harmless("exposed-kubernetes-control-plane")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("0.0.0.0", 8080), exe="/opt/web/java")
    stage.process(lambda: stage.listen("0.0.0.0", 8001), exe="/opt/k8s/kubectl", argv=["port-forward", "pod/x", "8001"])


@harmless("exposed-docker-api")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("0.0.0.0", 2377), exe="/opt/docker/dockerd")
    stage.process(lambda: stage.listen("0.0.0.0", 8080), exe="/opt/docker/docker-proxy")


@harmless("exposed-notebook")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("0.0.0.0", 8888), exe="/opt/web/nginx")
    stage.process(lambda: stage.listen("0.0.0.0", 9999), exe="/opt/python/python3", argv=["/opt/python/app.py"])


@harmless("exposed-remote-desktop")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("0.0.0.0", 6006), exe="/opt/python/tensorboard")
    stage.process(lambda: stage.listen("127.0.0.1", 6010), exe="/opt/ssh/sshd")


@harmless("amplification-service")
def _(stage: Stage) -> None:
    # It takes what is sent to a group alone.
    stage.process(lambda: stage.listen("239.255.255.250", 1900, UDP), exe="/opt/udp/player")
    stage.process(lambda: stage.listen("0.0.0.0", 11211), exe="/opt/udp/memcached")


@harmless("cleartext-service")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("0.0.0.0", 514), exe="/opt/log/rsyslogd")
    stage.process(lambda: stage.listen("0.0.0.0", 993), exe="/opt/clear/dovecot")


@bad("exposed-debugger")
def _(stage: Stage) -> Rows:
    rows = []
    for at, (debugger, exe, port, argv) in enumerate(DEBUGGERS):
        address = f"10.0.0.{at + 1}"
        stage.address(f"{address}/32")
        pid = stage.process(lambda a=address, p=port: stage.listen(a, p), exe=exe, argv=list(argv))
        rows.append({"debugger": debugger, "address": address, "port": port, "pid": pid, "severity": "high"})
    return rows


@bad("exposed-debugger")
def _(stage: Stage) -> Rows:
    arguments = ["--inspect=0.0.0.0:9229"]
    pid = stage.process(lambda: stage.listen("::", 9229, v6only=False), exe="/opt/dev/node", argv=arguments)
    return [{"debugger": "Node.js inspector", "address": "::", "port": 9229, "pid": pid, "severity": "critical"}]


@harmless("exposed-debugger")
def _(stage: Stage) -> None:
    for _debugger, exe, port, argv in DEBUGGERS:
        stage.process(lambda p=port: stage.listen("127.0.0.1", p, reuse_port=True), exe=exe, argv=list(argv))
    # What is debugged offers its service to others, and its debugger to this machine.
    stage.process(lambda: stage.listen("0.0.0.0", 8080), exe="/opt/dev/node", argv=["--inspect=127.0.0.1:9230", "--port=8080"])
    stage.process(lambda: stage.listen("0.0.0.0", 500), exe="/opt/dev/java", argv=["-agentlib:jdwp=address=127.0.0.1:5005"])
    debugged = ["-m", "debugpy", "--listen", "127.0.0.1:5679", "app.py", "--bind", "0.0.0.0:8000"]
    stage.process(lambda: stage.listen("0.0.0.0", 8000), exe="/opt/dev/python3", argv=debugged)
    stage.process(lambda: stage.listen("0.0.0.0", 8001), exe="/opt/dev/python3", argv=["app.py", "--listen", "0.0.0.0:8001"])
    addresses(stage)
    stage.process(lambda: stage.listen(GLOBAL[0], 5678), exe="/opt/dev/n8n")


@bad("cleartext-connection")
def _(stage: Stage) -> Rows:
    addresses(stage)

    def talk() -> None:
        stage.far("10.1.2.3", "198.51.100.7", 21)
        stage.far("fd00::5", "2001:db8::9", 143)
        stage.listen("0.0.0.0", 23)
        stage.far("10.1.2.3", "198.51.100.8", 40000, own_port=23)

    pid = stage.process(talk, exe="/opt/clear/talker")
    common = {"pid": pid, "process": "talker"}
    return [
        {**common, "remote_address": "198.51.100.7", "port": 21, "direction": "outbound", "severity": "medium"},
        {**common, "remote_address": "2001:db8::9", "port": 143, "direction": "outbound", "severity": "low"},
        {**common, "remote_address": "198.51.100.8", "port": 23, "direction": "inbound", "severity": "medium"},
    ]


@harmless("cleartext-connection")
def _(stage: Stage) -> None:
    addresses(stage)

    def talk() -> None:
        stage.listen("0.0.0.0", 21)
        stage.connect("127.0.0.1", 21)
        stage.connect("10.1.2.3", 21)
        stage.far("10.1.2.3", "198.51.100.7", 22)
        # Who uses rlogin has a port below 1024 himself.
        stage.far("10.1.2.3", "198.51.100.7", 22, own_port=513)

    stage.process(talk, exe="/opt/clear/talker")


@bad("wrong-program-on-port")
def _(stage: Stage) -> Rows:
    def listen() -> None:
        stage.listen("0.0.0.0", 22)
        stage.listen("127.0.0.1", 443)
        stage.listen("::", 3306)
        stage.listen("0.0.0.0", 53, UDP)

    pid = stage.process(listen, exe="/opt/bin/helper", name="sshd")
    common = {"pid": pid, "process": "helper", "path": "/opt/bin/helper"}
    return [
        {**common, "protocol": "tcp", "port": 22, "severity": "medium"},
        {**common, "protocol": "tcp", "port": 443, "severity": "low"},
        {**common, "protocol": "tcp", "port": 3306, "severity": "low"},
        {**common, "protocol": "udp", "port": 53, "severity": "medium"},
    ]


@harmless("wrong-program-on-port")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("0.0.0.0", 22), exe="/opt/bin/sshd")
    stage.process(lambda: stage.listen("0.0.0.0", 80), exe="/opt/bin/docker-proxy")
    stage.process(lambda: stage.listen("::", 9999), exe="/opt/bin/helper")


@bad("ephemeral-listener")
def _(stage: Stage) -> Rows:
    def listen() -> None:
        stage.listen("0.0.0.0", 40000)
        stage.listen("::1", 40001)
        stage.listen("::", 40002, UDP)

    pid = stage.process(listen, exe="/opt/bin/service")
    common = {"pid": pid, "process": "service", "path": "/opt/bin/service", "low": 32768, "high": 60999}
    return [
        {**common, "protocol": "tcp", "address": "0.0.0.0", "port": 40000, "severity": "low"},
        {**common, "protocol": "tcp", "address": "::1", "port": 40001, "severity": "info"},
        {**common, "protocol": "udp", "address": "::", "port": 40002, "severity": "low"},
    ]


@harmless("ephemeral-listener")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("0.0.0.0", 20000), exe="/opt/bin/service")
    stage.process(lambda: stage.listen("0.0.0.0", 0, UDP), exe="/opt/bin/client")


def open_ports(stage: Stage) -> int:
    def listen() -> None:
        for port in (22, 8000, 8010, 8011):
            stage.listen("::", port, v6only=False)
        stage.listen("0.0.0.0", 53, UDP)
        stage.listen("0.0.0.0", 53)
        stage.listen("127.0.0.1", 5432)
        stage.listen("::1", 123, UDP)
        stage.listen("0.0.0.0", 0, UDP)

    return stage.process(listen, exe="/opt/bin/server")


@bad("port-not-allowed", allowed="22, 8000-8010,53/udp")
def _(stage: Stage) -> Rows:
    common = {"pid": open_ports(stage), "process": "server", "path": "/opt/bin/server", "scope": "all"}
    return [{**common, "protocol": "tcp", "port": 53}, {**common, "protocol": "tcp", "port": 8011}]


@bad("port-not-allowed", allowed="53/tcp,8000-8011")
def _(stage: Stage) -> Rows:
    common = {"pid": open_ports(stage), "process": "server"}
    return [{**common, "protocol": "tcp", "port": 22}, {**common, "protocol": "udp", "port": 53}]


def inner_port(stage: Stage) -> int:
    def inside() -> None:
        done(library().unshare(NEW_NETWORK))
        stage.listen("0.0.0.0", 8080)

    return stage.process(inside, exe="/opt/bin/server")


@bad("port-not-allowed", allowed="22", namespaces="all")
def _(stage: Stage) -> Rows:
    return [{"port": 8080, "pid": inner_port(stage)}]


@harmless("port-not-allowed", allowed="22")
def _(stage: Stage) -> None:
    inner_port(stage)


@harmless("port-not-allowed")
def _(stage: Stage) -> None:
    open_ports(stage)


@harmless("port-not-allowed", allowed="22,53,53/udp,8000-8011")
def _(stage: Stage) -> None:
    open_ports(stage)


def connections(stage: Stage) -> int:
    addresses(stage)

    def talk() -> None:
        stage.listen("::", 22, v6only=False)
        stage.connect("127.0.0.1", 22)
        stage.connect("10.1.2.3", 22)
        stage.far("10.1.2.3", "198.51.100.7", 443)
        stage.far("10.1.2.3", "10.9.9.9", 5432)
        stage.far("fd00::5", "2001:db8::9", 443)
        stage.far("10.1.2.3", "198.51.100.8", 40000, own_port=22)

    return stage.process(talk, exe="/opt/bin/talker")


@bad("connection-outside-networks", networks="10.0.0.0/8")
def _(stage: Stage) -> Rows:
    common = {"pid": connections(stage), "process": "talker", "path": "/opt/bin/talker", "protocol": "tcp"}
    return [
        {**common, "remote_address": "198.51.100.7", "port": 443, "direction": "outbound"},
        {**common, "remote_address": "2001:db8::9", "port": 443, "direction": "outbound"},
        {**common, "remote_address": "198.51.100.8", "port": 22, "direction": "inbound"},
    ]


@harmless("connection-outside-networks", networks="10.0.0.0/8 198.51.100.0/24, 2001:db8::9")
def _(stage: Stage) -> None:
    connections(stage)


@harmless("connection-outside-networks")
def _(stage: Stage) -> None:
    connections(stage)
