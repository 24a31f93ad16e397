"""Accounts, groups and memberships: as the name service says, below a root as its files say, and in a container as its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.sources import name_service, passwd

from .conftest import FakeRoot, own, reads

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such accounts")


def test_groups_and_lines_that_are_none() -> None:
    text = (
        "root:x:0:\n# no\n+:::\nstaff:x:50:ann,,bob\nshort:x:7\nbad:x:1.5:\nhuge:x:4294967296:\nx:²:²:\nnobody:*:4294967294:\n"
    )
    assert [tuple(group)[:3] for group in passwd.parse_groups(text)] == [
        ("root", 0, ()),
        ("staff", 50, ("ann", "bob")),
        ("short", 7, ()),
        ("nobody", 4294967294, ()),
    ]
    assert passwd.parse_groups(text)[-1].gid_signed == -2


def test_a_group_of_several_lines_has_the_members_of_all() -> None:
    [group] = passwd.parse_groups("staff:x:50:ann\nstaff:x:50:bob\n")
    assert group.members == ("ann", "bob")


@pytest.mark.parametrize(
    "line", ["x:x:²:0:::", "x:x:4294967296:0:::", "x:x:-1:0:::", "x:x:" + "9" * 5000 + ":0:::", "x:x:1:0::", ":"]
)
def test_a_line_with_a_number_that_is_none_is_no_account(line: str) -> None:
    assert passwd.parse(line) == []


def test_a_name_may_have_any_other_end_of_line_in_it() -> None:
    assert [user.username for user in passwd.parse("a\x85b:x:1:1:\x0c::\n")] == ["a\x85b"]


def test_below_a_root_its_files_are_read_and_nothing_else(fake: FakeRoot, engine: Engine) -> None:
    assert own(engine, "SELECT uid, username, pid_with_namespace, include_remote FROM users") == [
        (0, "root", 0, 0),
        (1000, "ann", 0, 0),
    ]
    assert own(engine, "SELECT gid, groupname, pid_with_namespace FROM groups") == [
        (0, "root", 0),
        (50, "staff", 0),
        (1000, "ann", 0),
    ]
    assert own(engine, "SELECT * FROM user_groups ORDER BY 1, 2") == [(0, 0), (0, 50), (1000, 50), (1000, 1000)]
    assert own(engine, "SELECT * FROM scan_errors") == []


def test_accounts_of_one_uid_are_all_found_and_share_their_groups(fake: FakeRoot, engine: Engine) -> None:
    fake.write("etc/passwd", "root:x:0:0::/:\ntoor:x:0:7::/:\n")
    fake.write("etc/group", "wheel:x:9:toor\n")
    assert own(engine, "SELECT username FROM users WHERE uid = 0") == [("root",), ("toor",)]
    assert own(engine, "SELECT gid FROM user_groups WHERE uid = 0 ORDER BY gid") == [(0,), (7,), (9,)]


def test_two_names_of_one_group_are_two_rows(fake: FakeRoot, engine: Engine) -> None:
    fake.write("etc/group", "wheel:x:10:\nadmins:x:10:\nwheel:x:10:\n")
    assert own(engine, "SELECT groupname FROM groups WHERE gid = 10 ORDER BY 1") == [("admins",), ("wheel",)]


def test_each_file_is_read_once_in_a_statement(fake: FakeRoot, engine: Engine) -> None:
    for number in range(5):
        fake.process(100 + number, uid=1000)
    sql = "SELECT count(*) FROM processes JOIN users u USING (uid) JOIN user_groups USING (uid) JOIN groups g ON g.gid = u.gid"
    done = reads(engine, sql)
    assert {source: done[source] for source in ("/etc/passwd", "/etc/group")} == {"/etc/passwd": 1, "/etc/group": 1}


@pytest.mark.parametrize("table", ["users", "groups", "user_groups"])
def test_a_file_that_is_not_there_is_told(table: str, fake: FakeRoot, engine: Engine) -> None:
    (fake.path / "etc/passwd").unlink()
    (fake.path / "etc/group").unlink()
    assert own(engine, f"SELECT * FROM {table}") == []
    source = "/etc/group" if table == "groups" else "/etc/passwd"
    assert (source, "No such file or directory") in own(engine, "SELECT source, reason FROM scan_errors")


def test_a_file_that_is_none_is_not_waited_for(fake: FakeRoot, engine: Engine) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs FIFOs")
    (fake.path / "etc/passwd").unlink()
    os.mkfifo(fake.path / "etc/passwd")
    assert own(engine, "SELECT * FROM users") == []
    assert own(engine, "SELECT reason FROM scan_errors") == [("it is no regular file",)]


def test_the_name_service_of_another_system_cannot_be_asked(engine: Engine) -> None:
    assert own(engine, "SELECT * FROM users WHERE include_remote = 1") == []
    assert own(engine, "SELECT source, reason FROM scan_errors") == [
        ("passwd", "the name service can be asked of this system only")
    ]
    assert len(own(engine, "SELECT * FROM users WHERE include_remote = 0")) == 2


def container(fake: FakeRoot, pid: int, passwd: str) -> Path:
    """A process whose root is a directory of its own, below the fake root."""
    directory = fake.process(pid)
    (directory / "root").unlink()
    (directory / "root").symlink_to(f"/containers/{pid}")
    fake.write(f"containers/{pid}/etc/passwd", passwd)
    return fake.path / "containers" / str(pid)


@pytest.mark.linux
def test_a_containers_accounts_are_those_below_its_root(fake: FakeRoot, engine: Engine) -> None:
    container(fake, 7, "app:x:1000:1000::/app:\n")
    fake.write("containers/7/etc/group", "app:x:1000:\n")
    sql = "SELECT username, pid_with_namespace FROM users WHERE pid_with_namespace"
    assert own(engine, f"{sql} = 7") == [("app", 7)]
    assert own(engine, f"{sql} IN (0, 7) AND uid = 1000 ORDER BY 1") == [("ann", 0), ("app", 7)]
    assert own(engine, "SELECT groupname FROM groups WHERE pid_with_namespace = 7") == [("app",)]
    assert own(engine, "SELECT u.username FROM processes p JOIN users u ON u.pid_with_namespace = p.pid") == [("app",)]
    assert own(engine, f"{sql} = 8") == []


@pytest.mark.linux
def test_a_containers_link_does_not_lead_out_of_it(fake: FakeRoot, engine: Engine) -> None:
    root = container(fake, 7, "")
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").symlink_to("../../../../etc/passwd")
    assert own(engine, "SELECT * FROM users WHERE pid_with_namespace = 7") == []
    [(source, pid)] = own(engine, "SELECT source, pid FROM scan_errors")
    assert (source, pid) == ("/proc/PID/root/etc/passwd", 7)


@pytest.mark.linux
@pytest.mark.root
def test_a_process_in_another_root_has_that_ones_accounts(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("inside:x:5:6:Only here:/:\n")
    (tmp_path / "etc/group").write_text("insiders:x:6:\n")
    holder = child(f"os.chroot({os.fspath(tmp_path)!r}); tell(1)")
    assert own(live, "SELECT uid, username, description FROM users WHERE pid_with_namespace = ?", holder.pid) == [
        (5, "inside", "Only here")
    ]
    assert own(live, "SELECT gid, groupname FROM groups WHERE pid_with_namespace = ?", holder.pid) == [(6, "insiders")]


@unix
def test_this_machine_has_the_accounts_that_its_name_service_lists(live: Engine) -> None:
    import grp
    import pwd

    assert sorted(own(live, "SELECT uid, username, gid, shell FROM users")) == sorted(
        {(e.pw_uid, e.pw_name, e.pw_gid, e.pw_shell) for e in pwd.getpwall()}
    )
    assert sorted(own(live, "SELECT gid, groupname FROM groups")) == sorted({(e.gr_gid, e.gr_name) for e in grp.getgrall()})


@unix
def test_memberships_are_those_that_getgrouplist_gives(live: Engine) -> None:
    import pwd

    expected = {(e.pw_uid, gid) for e in pwd.getpwall() for gid in os.getgrouplist(e.pw_name, e.pw_gid)}
    assert sorted(own(live, "SELECT * FROM user_groups")) == sorted(expected)
    for uid in sorted({uid for uid, _ in expected})[:5]:
        assert set(own(live, "SELECT * FROM user_groups WHERE uid = ?", uid)) == {row for row in expected if row[0] == uid}


@unix
@pytest.mark.parametrize("condition", ["uid = 0", "username = 'root'", "uid IN (0, 0)", "uid = 0 AND username = 'root'"])
def test_one_account_is_asked_for_without_a_list_of_all(condition: str, live: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def listed() -> None:
        raise AssertionError("all accounts were listed")

    monkeypatch.setattr(pwd, "getpwall", listed)
    assert (0, "root") in own(live, f"SELECT uid, username FROM users WHERE {condition}")


@unix
def test_one_group_is_asked_for_without_a_list_of_all(live: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    import grp

    name = grp.getgrgid(0).gr_name

    def listed() -> None:
        raise AssertionError("all groups were listed")

    monkeypatch.setattr(grp, "getgrall", listed)
    assert (0, name) in own(live, "SELECT gid, groupname FROM groups WHERE gid = 0")
    assert (0, name) in own(live, "SELECT gid, groupname FROM groups WHERE groupname = ?", name)


@unix
@pytest.mark.parametrize("uid", [-5, 4294967290, 4294967296, 1 << 62])
def test_a_number_without_an_account_has_none(uid: int, live: Engine) -> None:
    assert own(live, "SELECT * FROM users WHERE uid = ?", uid) == []
    assert own(live, "SELECT * FROM groups WHERE gid = ?", uid) == []
    assert own(live, "SELECT * FROM user_groups WHERE uid = ?", uid) == []


@unix
@pytest.mark.parametrize("name", ["", "no such", "a\0b", "é", "\\xff", "x" * 100_000])
def test_a_name_without_an_account_has_none(name: str, live: Engine) -> None:
    assert own(live, "SELECT * FROM users WHERE username = ?", name) == []
    assert own(live, "SELECT * FROM groups WHERE groupname = ?", name) == []


@unix
def test_an_account_that_the_name_service_gives_twice_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    monkeypatch.setattr(pwd, "getpwall", lambda: [pwd.getpwuid(0)] * 2)
    assert len(name_service.users()) == 1


@pytest.mark.linux
def test_the_file_alone_has_the_local_accounts(live: Engine) -> None:
    names = [line.split(":")[0] for line in Path("/etc/passwd").read_text().splitlines()]
    assert [row[0] for row in own(live, "SELECT username FROM users WHERE include_remote = 0")] == names
    assert {row[0] for row in own(live, "SELECT include_remote FROM users WHERE include_remote IN (0, 1)")} == {0, 1}


@pytest.mark.linux
@pytest.mark.root
@pytest.mark.parametrize("table", ["users", "groups"])
def test_two_names_of_one_number_are_found_by_it_as_they_are_listed(
    table: str, live: Engine, child: Callable[..., Any], tmp_path: Path
) -> None:
    number, name = ("uid", "username") if table == "users" else ("gid", "groupname")
    # In a mount namespace of its own the files are others; the engine there asks the name service there.
    (tmp_path / "passwd").write_text("one:x:70:70::/:\ntwo:x:70:70::/:\n")
    (tmp_path / "group").write_text("one:x:70:\ntwo:x:70:\n")
    told = child(
        "import subprocess; from sqlports import Engine\n"
        "try: unshare(0x20000)\n"
        "except AssertionError: cannot('no mount namespace can be made')\n"
        "subprocess.run(['mount', '--make-rprivate', '/'], capture_output=True)\n"
        f"for name in ('passwd', 'group'): done = subprocess.run(['mount', '--bind', {os.fspath(tmp_path)!r} + '/' + name, "
        "'/etc/' + name], capture_output=True)\n"
        "if done.returncode: cannot('mount is not permitted')\n"
        f"e = Engine(); tell([[r['n'] for r in e.query('SELECT {name} AS n FROM {table} ' + where)] "
        f"for where in ('', 'WHERE {number} = 70', \"WHERE {name} = 'two'\")])\n"
    ).told
    assert told == [["one", "two"], ["one", "two"], ["two"]]
