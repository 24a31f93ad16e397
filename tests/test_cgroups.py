"""What a control group's path says, and what is read of /proc beside it, on literal text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sqlports.sources import mounts
from sqlports.sources.cgroups import Cgroup, Cgroups, parse
from sqlports.sources.linux import Linux

from .conftest import FakeRoot

ID = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4
UID = "12345678-90ab-cdef-1234-567890abcdef"
UNDERSCORED = UID.replace("-", "_")
STATIC = "0123456789abcdef0123456789abcdef"
SESSION = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/", None),
        ("/system.slice", None),
        ("/system.slice/nginx.service", "nginx.service"),
        ("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"),
        ("/system.slice/nginx.service/workers", "nginx.service"),
        ("/system.slice/docker.socket", "docker.socket"),
        ("/system.slice/dev-sda1.swap", "dev-sda1.swap"),
        ("/system.slice/home.mount", "home.mount"),
        ("/init.scope", "init.scope"),
        ("/user.slice/user-1000.slice/session-3.scope", "session-3.scope"),
        (SESSION, "user@1000.service"),
        ("/user.slice/user-1000.slice/user-runtime-dir@1000.service", "user-runtime-dir@1000.service"),
        ("/system.slice/a.service.d", None),
        ("/system.slice/with\\x2ddash.service", "with\\x2ddash.service"),
        ("/.service", None),
        ("/system.slice/service", None),
        ("/system.slice/a.socket/b.service", "a.socket"),
        ("/system.slice/a@.service", None),
        ("/system.slice/@b.service", None),
        ("/system.slice/a@b@c.service", "a@b@c.service"),
        ("/system.slice/a@b.slice/c.service", None),
        ("/a.slice/a-b.slice/a-b-c.slice/d.scope", "d.scope"),
        ("/a.slice/b/c.service", None),
        ("/system.slice/ä.service", None),
        ("/system.slice/_cpu.service", "cpu.service"),
        ("/system.slice/__own.service", "_own.service"),
        ("/_cpu.slice/a.service", "a.service"),
        ("/_.slice/a.service", None),
        ("/../nginx.service", None),
    ],
)
def test_units_of_systemd(path: str, unit: str | None) -> None:
    """As cg_path_get_unit() decodes them: after any slices, one that is a unit; one underline before it escapes it."""
    assert parse(path) == Cgroup(path, unit)


@pytest.mark.parametrize(
    ("path", "unit", "user_unit"),
    [
        (SESSION, "user@1000.service", None),
        (f"{SESSION}/init.scope", "user@1000.service", "init.scope"),
        (f"{SESSION}/app.slice/app-firefox-4711.scope", "user@1000.service", "app-firefox-4711.scope"),
        (f"{SESSION}/app.slice/app-gnome-firefox@4711.service", "user@1000.service", "app-gnome-firefox@4711.service"),
        (f"{SESSION}/app.slice/emacs.service", "user@1000.service", "emacs.service"),
        (f"{SESSION}/app.slice/emacs.service/below", "user@1000.service", "emacs.service"),
        (f"{SESSION}/app.slice/app-org.gnome.Terminal.slice/vte-spawn-{UID}.scope", "user@1000.service",
         f"vte-spawn-{UID}.scope"),
        (f"{SESSION}/app.slice", "user@1000.service", None),
        (f"{SESSION}/mine/emacs.service", "user@1000.service", None),
        (f"{SESSION}/_cpu.service", "user@1000.service", "cpu.service"),
        ("/user.slice/user-1000.slice/session-3.scope/emacs.service", "session-3.scope", "emacs.service"),
        ("/user.slice/user-1000.slice/session-c2.scope", "session-c2.scope", None),
        ("/user.slice/user-1000.slice/session-a_b.scope/emacs.service", "session-a_b.scope", None),
        ("/capsule.slice/capsule@lab.service/app.slice/a.service", "capsule@lab.service", "a.service"),
        ("/system.slice/user@ann.service/a.service", "user@ann.service", None),
        ("/system.slice/nginx.service/a.service", "nginx.service", None),
    ],
)  # fmt: skip
def test_units_of_a_users_own_systemd(path: str, unit: str, user_unit: str | None) -> None:
    """As cg_path_get_user_unit() decodes them: below the systemd of a user, of a capsule, or below a session."""
    assert parse(path) == Cgroup(path, unit, user_unit)


def test_no_control_group_at_all() -> None:
    assert parse(None) == Cgroup()
    assert parse("") == Cgroup("")


@pytest.mark.parametrize(
    ("path", "runtime", "unit"),
    [
        (f"/docker/{ID}", "docker", None),
        (f"/docker/{ID}/init", "docker", None),
        (f"/system.slice/docker-{ID}.scope", "docker", f"docker-{ID}.scope"),
        (f"/system.slice/docker-{ID}.scope/init.scope", "docker", f"docker-{ID}.scope"),
        (f"/system.slice/docker-{ID}.scope/system.slice/cron.service", "docker", f"docker-{ID}.scope"),
        (f"/machine.slice/libpod-{ID}.scope", "podman", f"libpod-{ID}.scope"),
        (f"/machine.slice/libpod-{ID}.scope/container", "podman", f"libpod-{ID}.scope"),
        (f"/machine.slice/machine-libpod_pod_{OTHER}.slice/libpod-{ID}.scope/container", "podman", f"libpod-{ID}.scope"),
        (f"/libpod_parent/libpod-{ID}", "podman", None),
        (f"/libpod_parent/{OTHER}/libpod-{ID}", "podman", None),
        (f"/system.slice/cri-containerd-{ID}.scope", "containerd", f"cri-containerd-{ID}.scope"),
        (f"/system.slice/nerdctl-{ID}.scope", "containerd", f"nerdctl-{ID}.scope"),
        (f"/system.slice/crio-{ID}.scope", "cri-o", f"crio-{ID}.scope"),
    ],
)
def test_containers_by_their_ids(path: str, runtime: str, unit: str | None) -> None:
    """The unit is this system's: units of a systemd in the container are none."""
    assert parse(path) == Cgroup(path, unit, None, ID, runtime)


@pytest.mark.parametrize(("name", "runtime"), [("docker", "docker"), ("libpod", "podman"), ("nerdctl", "containerd")])
def test_containers_of_a_user_without_root(name: str, runtime: str) -> None:
    path = f"{SESSION}/user.slice/{name}-{ID}.scope"
    assert parse(path) == Cgroup(path, "user@1000.service", f"{name}-{ID}.scope", ID, runtime)
    assert parse(f"{path}/container")[1:] == parse(path)[1:]


@pytest.mark.parametrize(
    ("path", "container", "runtime", "unit"),
    [
        ("/lxc/web-1", "web-1", "lxc", None),
        ("/lxc/101/ns/init.scope", "101", "lxc", None),
        ("/lxc.payload.web-1", "web-1", "lxc", None),
        ("/lxc.payload.web-1/system.slice/nginx.service", "web-1", "lxc", None),
        ("/lxc.payload/web-1", "web-1", "lxc", None),
        ("/lxc/payload-1", "payload-1", "lxc", None),
        ("/lxc.payload.monitor-1", "monitor-1", "lxc", None),
        ("/lxc.monitor.web-1", None, None, None),
        ("/lxc.monitor/web-1", None, None, None),
        ("/machine.slice/machine-debian.scope", "debian", "systemd-nspawn", "machine-debian.scope"),
        ("/machine.slice/machine-debian.scope/payload/system.slice/a.service", "debian", "systemd-nspawn",
         "machine-debian.scope"),
        ("/machine.slice/machine-my\\x2ddebian.scope/payload", "my-debian", "systemd-nspawn", "machine-my\\x2ddebian.scope"),
        ("/machine.slice/systemd-nspawn@debian.service/payload", "debian", "systemd-nspawn", "systemd-nspawn@debian.service"),
        ("/machine.slice/systemd-nspawn@my\\x2ddebian.service/supervisor", "my-debian", "systemd-nspawn",
         "systemd-nspawn@my\\x2ddebian.service"),
    ],
)  # fmt: skip
def test_containers_by_their_names(path: str, container: str | None, runtime: str | None, unit: str | None) -> None:
    assert parse(path) == Cgroup(path, unit, None, container, runtime)


@pytest.mark.parametrize("name", ["machine-qemu\\x2d1\\x2ddebian", "machine-qemu-1-debian"])
def test_a_virtual_machine_is_no_container(name: str) -> None:
    """systemd-machined has libvirt's as well, in units of the same kind."""
    found = parse(f"/machine.slice/{name}.scope/libvirt/emulator")
    assert (found.unit, found.container, found.runtime) == (f"{name}.scope", None, None)


@pytest.mark.parametrize(
    ("path", "runtime"),
    [
        ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{_}.slice/cri-containerd-{id}.scope", "containerd"),
        ("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{_}.slice/cri-containerd-{id}.scope", "containerd"),
        ("/kubepods.slice/kubepods-pod{_}.slice/cri-containerd-{id}.scope", "containerd"),
        ("/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{_}.slice/cri-containerd-{id}.scope", "containerd"),
        ("/system.slice/containerd.service/kubepods-burstable-pod{_}.slice:cri-containerd:{id}", "containerd"),
        ("/kubepods-besteffort-pod{_}.slice:cri-containerd:{id}", "containerd"),
        ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{_}.slice/crio-{id}.scope", "cri-o"),
        ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{_}.slice/crio-{id}.scope/container", "cri-o"),
        ("/kubepods/burstable/pod{-}/crio-{id}", "cri-o"),
        ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{_}.slice/docker-{id}.scope", "docker"),
        ("/kubepods/burstable/pod{-}/{id}", "kubernetes"),
        ("/kubepods/besteffort/pod{-}/{id}", "kubernetes"),
        ("/kubepods/pod{-}/{id}", "kubernetes"),
        ("/kubepods/pod{-}/{id}/inner", "kubernetes"),
        ("/docker/{other}/kubepods/burstable/pod{-}/{id}", None),
    ],
)
def test_pods_of_kubernetes_in_either_spelling(path: str, runtime: str | None) -> None:
    spelled = path.format(**{"_": UNDERSCORED, "-": UID, "id": ID, "other": OTHER})
    found = parse(spelled)
    assert (found.path, found.pod) == (spelled, UID)
    if runtime is not None:
        assert (found.container, found.runtime) == (ID, runtime)


@pytest.mark.parametrize(
    "path",
    [
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid}.slice/cri-containerd-{id}.scope",
        "/kubepods/burstable/pod{uid}/{id}",
    ],
)
def test_a_static_pod_has_a_hash_for_its_uid(path: str) -> None:
    found = parse(path.format(uid=STATIC, id=ID))
    assert (found.pod, found.container) == (STATIC, ID)


def test_a_pod_without_a_container_yet() -> None:
    for path in (
        f"/kubepods/burstable/pod{UID}",
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UNDERSCORED}.slice",
    ):
        assert parse(path) == Cgroup(path, pod=UID)


@pytest.mark.parametrize(
    "path",
    [
        f"/system.slice/docker-{ID[:-1]}.scope",
        f"/system.slice/docker-{ID}0.scope",
        f"/system.slice/docker-{ID.upper()}.scope",
        f"/system.slice/docker-{ID[:-1]}g.scope",
        f"/system.slice/mydocker-{ID}.scope",
        f"/docker/{ID}x",
        "/docker",
        "/docker/buildkit",
        f"/{ID}",
        f"/machine.slice/libpod-conmon-{ID}.scope",
        f"/machine.slice/crio-conmon-{ID}.scope",
        "/system.slice/docker.service",
        "/system.slice/containerd.service",
        "/system.slice/lxc.service",
        "/system.slice/kubelet.service",
        "/machine.slice",
        f"/kubepods/burstable/{ID[:-1]}",
        "/kubepods.slice/kubepods-burstable.slice",
    ],
)
def test_what_only_looks_like_a_container_is_none(path: str) -> None:
    found = parse(path)
    assert (found.path, found.container, found.runtime, found.pod) == (path, None, None, None)


@pytest.mark.parametrize(
    "path",
    [
        f"{SESSION}/tripod{STATIC}",
        f"{SESSION}/pod{UID}",
        f"/system.slice/tripod{UID}.slice",
    ],
)
def test_a_pod_is_one_of_kubernetes(path: str) -> None:
    assert parse(path).pod is None


def test_a_control_group_that_was_removed_still_says_whose_it_was() -> None:
    """So the kernel writes of a zombie whose control group has gone (cgroup-v2.rst)."""
    assert parse("/system.slice/nginx.service (deleted)").unit == "nginx.service"
    assert parse(f"{SESSION}/app.slice/emacs.service (deleted)").user_unit == "emacs.service"
    found = parse(f"/system.slice/docker-{ID}.scope (deleted)")
    assert (found.container, found.runtime) == (ID, "docker")


@pytest.mark.parametrize(
    "name",
    [
        "\x1b[31mred",
        "a b",
        "\\xff",
        "..",
        "a.service b",
        "日本",
        "'; --",
        "x" * 255,
        "\u202e",
        "%s{}",
    ],
)
def test_a_hostile_name_is_kept_and_stops_nobody(name: str) -> None:
    """Of what processes may name everything can be there; only a slash and a newline cannot."""
    path = f"{SESSION}/{name}"
    assert parse(path) == Cgroup(path, "user@1000.service")
    assert parse(f"/lxc.payload.{name}").container == name
    assert parse(f"/system.slice/docker-{ID}.scope/{name}").container == ID


def test_a_long_path_is_read() -> None:
    """4096 bytes of names that begin again and again like what is looked for."""
    for part in ("/kubepods", "/kubepods/a", "/docker-", "pod", "pod12345678-", "a.service", "/a.service", "/lxc.payload."):
        path = part * (4096 // len(part))
        assert parse(path).path == path


# mountinfo.

CGROUP2 = b"30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = b"31 23 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:5 - cgroup cgroup rw,memory\n"
ROOT = b"23 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"


def test_where_the_unified_hierarchy_is_mounted() -> None:
    assert mounts.cgroups(mounts.parse(ROOT + CGROUP2)) == ([b"/sys/fs/cgroup"], False)
    assert mounts.cgroups(mounts.parse(ROOT + V1)) == ([], True)
    assert mounts.cgroups(mounts.parse(V1 + CGROUP2 + ROOT)) == ([b"/sys/fs/cgroup"], True)
    assert mounts.cgroups(mounts.parse(ROOT)) == ([], False)
    assert mounts.cgroups(mounts.parse(b"")) == ([], False)


def test_it_may_be_mounted_more_than_once_and_without_optional_fields() -> None:
    again = b"32 23 0:26 /below /mnt/with\\040blank\\134and\\011more rw - cgroup2 none rw\n"
    assert mounts.cgroups(mounts.parse(CGROUP2 + again)) == ([b"/sys/fs/cgroup", b"/mnt/with blank\\and\tmore"], False)


def test_a_file_system_named_like_a_control_group_is_none() -> None:
    other = b"33 23 0:30 / /cgroup2 rw - tmpfs cgroup2 rw\n34 23 0:31 / /mnt/-\\040cgroup2\\040- rw - tmpfs - rw\n"
    assert mounts.cgroups(mounts.parse(other)) == ([], False)


NSFS = b"200 40 0:4 net:[4026532201] /run/netns/%s rw shared:99 - nsfs nsfs rw\n"


def test_network_namespaces_that_are_mounted() -> None:
    data = ROOT + NSFS % b"blue" + b"201 40 0:4 net:[4026532202] /run/netns/red rw - nsfs nsfs rw\n"
    assert mounts.net_namespaces(data) == [(4026532201, b"/run/netns/blue"), (4026532202, b"/run/netns/red")]
    assert mounts.net_namespaces(b"") == []


def test_other_namespaces_are_left_out() -> None:
    data = b"202 40 0:4 mnt:[4026532203] /run/mnt rw - nsfs nsfs rw\n203 40 0:4 uts:[1] /run/uts rw shared:1 - nsfs nsfs rw\n"
    assert mounts.net_namespaces(data + ROOT) == []
    assert mounts.net_namespaces(b"204 40 0:5 /net:[1] /mnt rw - tmpfs nsfs rw\n") == []


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"a\\040b", b"a b"),
        (b"a\\011b", b"a\tb"),
        (b"a\\012b", b"a\nb"),
        (b"a\\134b", b"a\\b"),
        (b"a\\134040b", b"a\\040b"),
        (b"\\040", b" "),
        (b"\xff\xfe", b"\xff\xfe"),
        ("é".encode(), "é".encode()),
        (b"a\rb", b"a\rb"),
        (b"a\x0bb", b"a\x0bb"),
        (b"a\x0cb", b"a\x0cb"),
        (b"a\x85b\x1eb", b"a\x85b\x1eb"),
    ],
)
def test_paths_of_mounts_are_as_they_were_made(written: bytes, name: bytes) -> None:
    """Blank, tab, newline and backslash are written in octal (proc_pid_mountinfo(5)); all else is as it is."""
    assert mounts.net_namespaces(ROOT + NSFS % written + ROOT) == [(4026532201, b"/run/netns/" + name)]
    assert mounts.cgroups(mounts.parse(b"30 23 0:26 / /cg/%s rw - cgroup2 cgroup2 rw\n" % written)) == ([b"/cg/" + name], False)


def test_the_types_of_file_systems_are_told_whatever_their_paths_are() -> None:
    """Who is root in a namespace of their own may mount at a path with a carriage return in it."""
    data = ROOT + b"77 23 0:30 / /tmp/a\rb rw - tmpfs none rw\n78 23 0:31 / /tmp/a\x0bb rw - proc none rw\n"
    assert {mount.id: mount.type for mount in mounts.parse(data)} == {23: "ext4", 77: "tmpfs", 78: "proc"}


# Numbers of control groups.


def test_a_control_group_is_known_by_the_inode_of_its_directory(tmp_path: Path) -> None:
    below = tmp_path / "system.slice" / "nginx.service"
    below.mkdir(parents=True)
    groups = Cgroups([os.fsencode(tmp_path)], False)
    assert groups.path(below.stat().st_ino) == "/system.slice/nginx.service"
    assert groups.path(below.parent.stat().st_ino) == "/system.slice"
    assert groups.path(tmp_path.stat().st_ino) == "/"
    assert groups.path(1 << 62) is None


def test_the_root_says_nothing_where_another_hierarchy_has_the_groups(tmp_path: Path) -> None:
    (tmp_path / "init.scope").mkdir()
    groups = Cgroups([os.fsencode(tmp_path)], True)
    assert groups.path(tmp_path.stat().st_ino) is None
    assert groups.path((tmp_path / "init.scope").stat().st_ino) == "/init.scope"


def test_the_directories_of_another_system_are_not_looked_at(fake: FakeRoot) -> None:
    """In a copy they have other numbers than the groups had."""
    directory = fake.path / "cg"
    directory.mkdir()
    fake.write("proc/1/mountinfo", "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n")
    assert Linux(str(fake.path)).cgroups().path(directory.stat().st_ino) is None
    assert Cgroups([], True).path(1) is None


def test_a_name_that_is_no_utf8_is_kept_visibly(tmp_path: Path) -> None:
    below = os.path.join(os.fsencode(tmp_path), b"a\xffb")
    try:
        os.mkdir(below)
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    assert Cgroups([os.fsencode(tmp_path)], False).path(os.stat(below).st_ino) == "/a\\xffb"
