"""The parsers of /proc on literal bytes."""

from __future__ import annotations

import pytest

from sqlports.sources import passwd, procfs, services
from sqlports.sources.records import PortSettings


def test_port_settings() -> None:
    assert procfs.port_settings(b"32768\t60999\n", b"8080,9000-9010\n", b"1024\n") == PortSettings(
        (32768, 60999), ((8080, 8080), (9000, 9010)), 1024
    )
    assert procfs.port_settings(b"1 2\n", b"\n", None) == PortSettings((1, 2), (), None)
    assert procfs.port_settings(None, None, None) == PortSettings()


@pytest.mark.parametrize(
    "data",
    [
        (b"x y\n", None, None),
        (b"1\n", None, None),
        (b"1 2 3\n", None, None),
        (b"2 1\n", None, None),
        (b"1 65536\n", None, None),
        (None, b"a-b\n", None),
        (None, b"9-8\n", None),
        (None, b"99999999999999999999\n", None),
        (None, None, b"?\n"),
        (None, None, b"-1\n"),
        (None, None, b"65537\n"),
    ],
)
def test_port_settings_that_the_kernel_does_not_write_are_refused_by_name(data: tuple[bytes | None, ...]) -> None:
    with pytest.raises(procfs.Unparsable, match="/proc/sys/net/ipv4"):
        procfs.port_settings(*data)


def test_services_with_aliases_remarks_and_rubbish() -> None:
    text = "# head\nhttp 80/tcp www web # World Wide Web\n\nbad\nx 99999/tcp\ny abc/tcp\nsctpd 9/SCTP\n"
    assert services.parse(text) == [
        ("http", 80, "tcp", ("www", "web"), "World Wide Web"),
        ("sctpd", 9, "sctp", (), None),
    ]


def test_a_line_of_services_whose_port_or_protocol_is_no_such_thing_is_passed_over() -> None:
    text = f"long {'9' * 5000}/tcp\nsix 80/6\nsix 80/06\nnone 80/\nnone 80\nlead 00080/tcp\n"
    assert services.parse(text) == [("lead", 80, "tcp", (), None)]


def test_accounts_and_lines_that_are_none() -> None:
    text = "root:x:0:0:root:/root:/bin/sh\n+::::::\n# no\nann:x:4294967294:5:A,,:/h:/s\n"
    assert [user.username for user in passwd.parse(text)] == ["root", "ann"]
    ann = passwd.parse(text)[1]
    assert (ann.uid_signed, ann.gid_signed, ann.description) == (-2, 5, "A,,")
