"""The functions that osquery's queries call: what they give, and what they refuse."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.about.functions import functions
from sqlports.errors import QueryError, QueryTimeout
from sqlports.functions import Declared, declared, names, osquery_texts, programs, values

from .conftest import command

TRIGONOMETRY = ("acos", "asin", "atan", "cos", "sin", "tan", "cot", "degrees", "radians")
MATHEMATICS = (*TRIGONOMETRY, "sqrt", "exp", "log", "log10", "ceil", "floor")


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@pytest.fixture
def dialect() -> Iterator[Engine]:
    with Engine(osquery=True) as engine:
        yield engine


def told(engine: Engine, call: str, *arguments: Any) -> Any:
    return engine.query(f"SELECT {call} AS it", arguments)[0]["it"]


def refused(engine: Engine, call: str, *arguments: Any) -> str:
    with pytest.raises(QueryError) as raised:
        told(engine, call, *arguments)
    return str(raised.value)


def test_each_is_there_in_both_dialects_and_named_in_the_help(engine: Engine, dialect: Engine) -> None:
    ours = {
        *("split", "regex_split", "regex_match", "regexp", "soundex", "to_base64", "from_base64", "conditional_to_base64"),
        *("md5", "sha1", "sha256", "cot", "inet_aton", "in_cidr_block", "community_id_v1", "community_id_v1_strict"),
        *("reverse_dns", "parent_directory", "find_file_path_in_cmd", "is_path_deterministic", "carve"),
        *("version_compare", "sleep", "human_bytes", "human_duration"),
    }
    osquerys = {*MATHEMATICS, "power", "pi", "concat", "concat_ws"}
    assert ours <= {one.name for one in functions()}
    for one in (engine, dialect):
        there = {row["name"] for row in one.query("SELECT name FROM pragma_function_list")}
        assert ours | osquerys <= there


@pytest.mark.parametrize(
    ("text", "characters", "index", "piece"),
    [
        ("192.168.0.1", ".", 1, "168"),
        ("192.168.0.1", ".0", 2, "1"),
        ("/foo/bar", "/", 0, "foo"),
        ("/foo/bar", "/", 2, None),
        ("/foo/bar", "/", -1, None),
        (" a , ,b ", ",", 1, "b"),
        ("a\tb c", " \t", 2, "c"),
        ("", "/", 0, None),
        ("///", "/", 0, None),
        ("abc", "x", 0, "abc"),
        ("aéb", "é", 1, "b"),
        ("a]b^c-d", "]^-", 3, "d"),
        (1001, 1, 0, "00"),
        ("a.b", ".", "1", "b"),
        ("a.b", ".", 1.9, "b"),
        (1.5, ".", 1, "5"),
        (None, "/", 0, None),
        ("a", None, 0, None),
        ("a", "/", None, None),
    ],
)
def test_a_text_is_split_at_any_of_the_characters(engine: Engine, text: Any, characters: Any, index: Any, piece: Any) -> None:
    assert told(engine, "split(?, ?, ?)", text, characters, index) == piece


def test_nothing_splits_no_text(engine: Engine) -> None:
    assert "Invalid input to split function" in refused(engine, "split('a', '', 0)")
    assert "Invalid input to split function" in refused(engine, "regex_split('a', '', 0)")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", None),
        ("NULL", ""),
        ("'hello', NULL, ' ', 'world'", "hello world"),
        ("1, 2.0, 'x'", "12.0x"),
        ("x'6162', 'c'", "abc"),
    ],
)
def test_osquerys_concat_passes_nulls_over(dialect: Engine, arguments: str, text: Any) -> None:
    assert told(dialect, f"concat({arguments})") == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("','", ""),
        ("',', 'a', NULL, 'b'", "a,b"),
        ("',', 'a', NULL", "a"),
        ("',', NULL, 'a'", "a"),
        ("',', '', 'a'", ",a"),
        ("NULL, 'a', 'b'", "ab"),
        ("1, 'a', 2", "a12"),
    ],
)
def test_osquerys_concat_ws_has_a_separator_between_and_none_at_the_end(dialect: Engine, arguments: str, text: str) -> None:
    assert told(dialect, f"concat_ws({arguments})") == text


def test_concat_ws_takes_a_separator(dialect: Engine) -> None:
    assert "concat_ws" in refused(dialect, "concat_ws()")


def test_sqlites_own_meaning_stays_where_nobody_asked_for_osquerys(engine: Engine) -> None:
    assert told(engine, "concat_ws(NULL, 'a')") is None
    assert "concat" in refused(engine, "concat()")
    assert told(engine, "log(100)") == 2
    assert told(engine, "typeof(ceil(1.5))") == "real"
    assert told(engine, "sqrt(-1)") is None


def test_a_text_that_would_be_too_long_is_refused_before_it_is_made(dialect: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osquery_texts, "LONGEST", 1000)
    assert len(told(dialect, "concat(?, 'b')", "a" * 998)) == 999
    assert "concat: the text would be longer" in refused(dialect, "concat(?1, ?1)", "a" * 501)
    assert "concat_ws: the text would be longer" in refused(dialect, "concat_ws(?1, 'b', 'c')", "a" * 501)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Robert", "R163"),
        ("Rupert", "R163"),
        ("robert", "R163"),
        ("Rubin", "R150"),
        ("Pfister", "P236"),
        ("Lee", "L000"),
        ("1-Robert", "R163"),
        ("", "?000"),
        ("42", "?000"),
        (None, "?000"),
        ("é", "?000"),
    ],
)
def test_words_that_sound_alike_have_one_code(engine: Engine, text: Any, code: str) -> None:
    assert told(engine, "soundex(?)", text) == code


@pytest.mark.parametrize("value", [0.1, 1.0, -2.5, 1e100, 1.5e-7, 123456789.125, 1e15, 1e20, 7, b"ab", "x", 1e999, -1e999])
def test_a_value_is_written_as_sqlite_writes_it(engine: Engine, value: Any) -> None:
    assert values.text(value) == told(engine, "CAST(? AS TEXT)", value)


@pytest.mark.parametrize("value", ["12", " 12x", "-1.5e2z", ".5", "x", "", b"7", "1e", 2.9, -2.9, 1e30, -1e30, "9e99", "0x10"])
def test_a_value_is_read_as_sqlite_reads_it(engine: Engine, value: Any) -> None:
    assert values.number(value) == told(engine, "CAST(? AS REAL)", value)
    if not isinstance(value, str) or "e" not in value:
        assert values.whole(value) == told(engine, "CAST(? AS INTEGER)", value)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("log(10)", math.log(10)),
        ("log10(1000)", 3),
        ("sqrt(2)", math.sqrt(2)),
        ("exp(1)", math.e),
        ("power(2, 0.5)", math.sqrt(2)),
        ("sin(30)", math.sin(30)),
        ("cos(30)", math.cos(30)),
        ("tan(30)", math.tan(30)),
        ("cot(30)", 1 / math.tan(30)),
        ("asin(.5)", math.asin(0.5)),
        ("acos(.5)", math.acos(0.5)),
        ("atan(.5)", math.atan(0.5)),
        ("radians(60)", math.pi / 3),
        ("degrees(pi())", 180),
        ("sqrt('16')", 4),
        ("cos('none')", 1),
    ],
)
def test_osquerys_mathematics(dialect: Engine, call: str, value: float) -> None:
    assert told(dialect, call) == pytest.approx(value)
    assert told(dialect, f"typeof({call})") == "real"


@pytest.mark.parametrize(
    ("value", "down", "up"),
    [
        (1.5, 1, 2),
        (-1.5, -2, -1),
        (7, 7, 7),
        ("2.5", 2, 3),
        ("x", 0, 0),
        (2**63 - 1, 2**63 - 1, 2**63 - 1),
        (1e300, 2**63 - 1, 2**63 - 1),
    ],
)
def test_osquerys_floor_and_ceil_give_integers(dialect: Engine, value: Any, down: int, up: int) -> None:
    assert dialect.query("SELECT floor(?1) AS a, ceil(?1) AS b, typeof(ceil(?1)) AS c", (value,)) == [
        {"a": down, "b": up, "c": "integer"}
    ]


@pytest.mark.parametrize(
    "call",
    [
        "sqrt(-1)",
        "log(0)",
        "log(-1)",
        "log10(0)",
        "asin(2)",
        "acos(-2)",
        "exp(10000)",
        "power(-1, 0.5)",
        "power(0, -1)",
        "cot(0)",
    ],
)
def test_what_has_no_value_is_an_error_in_osquerys_dialect(dialect: Engine, call: str) -> None:
    assert refused(dialect, call).startswith(f"{call.partition('(')[0]}: Numerical ")


def test_mathematics_of_null_are_null(dialect: Engine) -> None:
    for one in MATHEMATICS:
        assert told(dialect, f"{one}(NULL)") is None, one
    assert told(dialect, "power(2, NULL)") is None
    assert told(dialect, "power(NULL, 2)") is None


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (1536, "1536 B"),
        (1 << 30, "1.0 GiB"),
        ("123456", "120.6 KiB"),
        (-4096, "-4.0 KiB"),
        ("much", None),
        (None, None),
        (b"1", None),
        (1e999, None),
    ],
)
def test_bytes_as_people_say_them(engine: Engine, count: Any, said: str | None) -> None:
    assert told(engine, "human_bytes(?)", count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.035, "35 ms"), (3661, "1 h 1 min"), ("90000", "1 d 1 h"), (-5, "-5 s"), ("", None), (None, None)],
)
def test_seconds_as_people_say_them(engine: Engine, seconds: Any, said: str | None) -> None:
    assert told(engine, "human_duration(?)", seconds) == said


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "héllo", "a\nb", "nul\0inside", "x" * 100_000])
def test_base64_there_and_back(engine: Engine, text: str) -> None:
    code = told(engine, "to_base64(?)", text)
    assert code == base64.b64encode(text.encode()).decode()
    assert told(engine, "from_base64(?)", code) == text


@pytest.mark.parametrize(
    ("code", "text"),
    [("YWI", "ab"), ("YW\r\nI=", "ab"), ("Y", ""), ("Y*Wi=", ""), ("é", ""), ("", ""), ("/w==", b"\xff"), (None, None)],
)
def test_what_is_no_base64_is_empty_and_what_is_no_text_a_blob(engine: Engine, code: Any, text: Any) -> None:
    assert told(engine, "from_base64(?)", code) == text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("plain ~", "plain ~"),
        ("", ""),
        ("é", "w6k="),
        ("a\tb", "YQli"),
        ("\x7f", "fw=="),
        (b"ok", "ok"),
        (b"\x00", "AA=="),
        (7, "7"),
        (None, None),
    ],
)
def test_base64_only_where_a_text_is_not_printable(engine: Engine, value: Any, code: Any) -> None:
    assert told(engine, "conditional_to_base64(?)", value) == code


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize(
    ("value", "data"), [("", b""), ("é", b"\xc3\xa9"), ("a\0b", b"a\0b"), (b"a\0\xff", b"a\0\xff"), (42, b"42"), (1.5, b"1.5")]
)
def test_digests_are_of_all_bytes(engine: Engine, algorithm: str, value: Any, data: bytes) -> None:
    assert told(engine, f"{algorithm}(?)", value) == hashlib.new(algorithm, data).hexdigest()
    assert told(engine, f"{algorithm}(NULL)") is None


@pytest.mark.parametrize(
    ("ip", "number"),
    [
        ("1.0.1.5", 16777477),
        ("255.255.255.255", 4294967295),
        ("0.0.0.0", 0),
        ("::1", None),
        ("1.2.3", None),
        ("1.2.3.256", None),
        ("01.2.3.4", None),
        (" 1.2.3.4", None),
        ("1.2.3.4\0", None),
        ("", None),
        (16777477, None),
        (None, None),
    ],
)
def test_an_address_as_a_number(engine: Engine, ip: Any, number: int | None) -> None:
    assert told(engine, "inet_aton(?)", ip) == number


@pytest.mark.parametrize(
    ("network", "ip", "is_in"),
    [
        ("10.0.0.0/26", "10.0.0.24", 1),
        ("10.0.0.0/26", "10.0.0.64", 0),
        ("10.0.0.0/26", "10.0.0.0", 1),
        ("10.0.0.0/26", "10.0.0.63", 1),
        ("10.0.0.0/31", "10.0.0.1", 1),
        ("10.0.0.1/32", "10.0.0.1", 1),
        ("10.0.0.9/8", "10.200.0.1", 1),
        ("0.0.0.0/0", "203.0.113.1", 1),
        ("2001:db8::/48", "2001:db8:0:ffff:ffff:ffff:ffff:ffff", 1),
        ("2001:db8::/48", "2001:db8:1::", 0),
        ("fe80::/10", "fe80::1%eth0", 1),
    ],
)
def test_a_block_has_all_its_addresses(engine: Engine, network: str, ip: str, is_in: int) -> None:
    assert told(engine, "in_cidr_block(?, ?)", network, ip) == is_in


@pytest.mark.parametrize(
    ("network", "ip", "why"),
    [
        (None, "10.0.0.1", "CIDR must be a string"),
        ("10.0.0.0/8", None, "IP address must be a string"),
        ("10.0.0.0/8", 167772161, "IP address must be a string"),
        ("10.0.0.0/8", "", "IP address cannot be parsed"),
        ("10.0.0.0/33", "10.0.0.1", "CIDR for IP address v4 cannot be parsed"),
        ("10.0.0.0", "10.0.0.1", "CIDR for IP address v4 cannot be parsed"),
        ("::/0", "10.0.0.1", "CIDR for IP address v4 cannot be parsed"),
        ("10.0.0.0/8", "::1", "CIDR for IP address v6 cannot be parsed"),
        ("\x1b[2J" * 999, "::1", "CIDR for IP address v6 cannot be parsed"),
    ],
)
def test_what_is_no_block_or_no_address_of_it_is_an_error(engine: Engine, network: Any, ip: Any, why: str) -> None:
    said = refused(engine, "in_cidr_block(?, ?)", network, ip)
    assert f"in_cidr_block: {why}" in said
    assert "\x1b" not in said
    assert len(said) < 1000


# What corelight/community-id-spec gives as its baseline: protocol, addresses, ports, the ID with seed 0 and with seed 1.
BASELINE = [
    (58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 136,
     "dGHyGvjMfljg6Bppwm3bg0LO8TY=", "kHa1FhMYIT6Ym2Vm2AOtoOARDzY="),
    (58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 135,
     "dGHyGvjMfljg6Bppwm3bg0LO8TY=", "kHa1FhMYIT6Ym2Vm2AOtoOARDzY="),
    (58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135, 136,
     "zavyT/cezQr1fmImYCwYnMXbgck=", "2hSqmsDZ2kdcY9kbiUzOEBic0iM="),
    (58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 136, 135,
     "zavyT/cezQr1fmImYCwYnMXbgck=", "2hSqmsDZ2kdcY9kbiUzOEBic0iM="),
    (58, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0,
     "2ObVBgIn28oZvibYZhZMBgh7WdQ=", "lVEtCZpYu84Xqaa++3lXFyuu2n4="),
    (58, "3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 1, 4,
     "hLZd0XGWojozrvxqE0dWB1iM6R0=", "W8MHwXpWzpoSTD+cGcaJr4u0ys8="),
    (58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 129,
     "+TW+HtLHvV1xnGhV1lv7XoJrqQg=", "GfZxjAkDk2MkegpBYHV6tadtFXQ="),
    (58, "3ffe:501:0:1001::2", "3ffe:507:0:1:200:86ff:fe05:80da", 129, 128,
     "+TW+HtLHvV1xnGhV1lv7XoJrqQg=", "GfZxjAkDk2MkegpBYHV6tadtFXQ="),
    (58, "fe80::200:86ff:fe05:80da", "ff02::2", 133, 134,
     "hO+sN4H+MG5MY/8hIrXPqc4ZQz0=", "L7Ka0ZMYu+J3bL4ulW2PrqyXNo8="),
    (58, "fe80::260:97ff:fe07:69ea", "ff02::1", 134, 133,
     "pkvHqCL88/tg1k4cPigmZXUtL00=", "K/ee5UCqAMAQXDorP5nSa2CGLjc="),
    (1, "192.168.0.89", "192.168.0.1", 8, 0,
     "X0snYXpgwiv9TZtqg64sgzUn6Dk=", "03g6IloqVBdcZlPyX8r0hgoE7kA="),
    (1, "192.168.0.1", "192.168.0.89", 0, 8,
     "X0snYXpgwiv9TZtqg64sgzUn6Dk=", "03g6IloqVBdcZlPyX8r0hgoE7kA="),
    (1, "10.0.0.1", "10.0.0.2", 11, 0,
     "YHxtAirCG//0OzkcVAukqKQN9xM=", "XjUibYHaafLQ3pxQeiMI8g25q20="),
    (6, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25,
     "/qFaeAR+gFe1KYjMzVDsMv+wgU4=", "eJYTW6AOzFLlSUoESovMjnu7rMw="),
    (6, "2607:f8b0:400c:c03::1a", "2001:470:e5bf:dead:4957:2174:e82c:4887", 25, 63943,
     "/qFaeAR+gFe1KYjMzVDsMv+wgU4=", "eJYTW6AOzFLlSUoESovMjnu7rMw="),
    (132, "192.168.170.8", "192.168.170.56", 7, 7,
     "MP2EtRCAUIZvTw6MxJHLV7N7JDs=", "5w3ZRjeKBzqT3zsaEECDGjUbYeg="),
    (132, "192.168.170.56", "192.168.170.8", 7, 7,
     "MP2EtRCAUIZvTw6MxJHLV7N7JDs=", "5w3ZRjeKBzqT3zsaEECDGjUbYeg="),
    (6, "128.232.110.120", "66.35.250.204", 34855, 80,
     "LQU9qZlK+B5F3KDmev6m5PMibrg=", "3V71V58M3Ksw/yuFALMcW0LAHvc="),
    (6, "66.35.250.204", "128.232.110.120", 80, 34855,
     "LQU9qZlK+B5F3KDmev6m5PMibrg=", "3V71V58M3Ksw/yuFALMcW0LAHvc="),
    (17, "192.168.1.52", "8.8.8.8", 54585, 53,
     "d/FP5EW3wiY1vCndhwleRRKHowQ=", "Q9We8WO3piVF8yEQBNJF4uiSVrI="),
    (17, "8.8.8.8", "192.168.1.52", 53, 54585,
     "d/FP5EW3wiY1vCndhwleRRKHowQ=", "Q9We8WO3piVF8yEQBNJF4uiSVrI="),
    (46, "10.1.12.1", "10.1.12.2", None, None,
     "KHlLkgoJW7ifUTyTSgyVfkFHzKw=", "rYir8gphR31noO9iDRQmF/BteEI="),
    (46, "10.1.12.2", "10.1.12.1", None, None,
     "KHlLkgoJW7ifUTyTSgyVfkFHzKw=", "rYir8gphR31noO9iDRQmF/BteEI="),
]  # fmt: skip


@pytest.mark.parametrize(("protocol", "source", "destination", "near", "far", "plain", "seeded"), BASELINE)
def test_the_community_id_is_that_of_the_baseline(
    engine: Engine, protocol: int, source: str, destination: str, near: int | None, far: int | None, plain: str, seeded: str
) -> None:
    flow = (source, destination, near, far, protocol)
    for name in ("community_id_v1", "community_id_v1_strict"):
        assert told(engine, f"{name}(?, ?, ?, ?, ?)", *flow) == f"1:{plain}"
        assert told(engine, f"{name}(?, ?, ?, ?, ?, ?)", *flow, 1) == f"1:{seeded}"


def test_a_flow_between_versions_of_ip_has_a_community_id(engine: Engine) -> None:
    flow = "'66.35.250.204', '2001:0:3238:DFE1:63::FEFB', 80, 2347, 6"
    assert told(engine, f"community_id_v1({flow})") == "1:rxU6O+b2d9kbSWjRmVDoBbowx6g="
    assert told(engine, f"community_id_v1({flow}, 37)") == "1:jmJ2ORP31di4mtsQPIKzyoEb3yo="


@pytest.mark.parametrize(
    ("flow", "why"),
    [
        ("'', '10.0.0.1', 1, 2, 6", "saddr cannot be parsed as IP"),
        ("'10.0.0.1', 'x', 1, 2, 6", "daddr cannot be parsed as IP"),
        ("NULL, '10.0.0.1', 1, 2, 6", "IPs must be strings"),
        ("'10.0.0.1', '10.0.0.2', '1', 2, 6", "ports must be integers"),
        ("'10.0.0.1', '10.0.0.2', NULL, NULL, 6", "ports must be integers"),
        ("'10.0.0.1', '10.0.0.2', 65536, 2, 6", "ports must fit in 2 bytes"),
        ("'10.0.0.1', '10.0.0.2', 1, -1, 6", "ports must fit in 2 bytes"),
        ("'10.0.0.1', '10.0.0.2', 1, 2, 'tcp'", "protocol must be an integer"),
        ("'10.0.0.1', '10.0.0.2', 1, 2, 256", "protocol must fit in 1 byte"),
        ("'10.0.0.1', '10.0.0.2', 1, 2, 6, 65536", "seed must fit in 2 bytes"),
        ("'10.0.0.1', '10.0.0.2', 1, 2, 6, 1.0", "seed must be an integer"),
    ],
)
def test_what_is_no_flow_has_no_community_id(engine: Engine, flow: str, why: str) -> None:
    assert told(engine, f"community_id_v1({flow})") is None
    assert f"Community ID {why}" in refused(engine, f"community_id_v1_strict({flow})")


def test_addresses_are_in_the_order_of_their_numbers(engine: Engine) -> None:
    ordered = ["", "*", "/run/x.sock", "9.0.0.1", "10.0.0.2", "10.0.0.10", "::1", "2001:db8::9", "2001:db8::10"]
    shuffled = sorted(ordered)
    assert shuffled != ordered
    rows = engine.query("SELECT value FROM json_each(?) ORDER BY value COLLATE ip", (json.dumps(shuffled),))
    assert [row["value"] for row in rows] == ordered


def test_an_address_is_the_same_however_it_is_written(engine: Engine) -> None:
    for same in ("'::1' = '0:0::0:1'", "'::ffff:10.0.0.1' = '10.0.0.1'", "'2001:DB8::1' = '2001:db8::1'"):
        assert told(engine, f"{same} COLLATE ip") == 1
    for other in ("'::1' = '::2'", "'fe80::1%a' = 'fe80::1%b'", "'x' = 'y'", "'10.0.0.1' = '::10.0.0.1'"):
        assert told(engine, f"{other} COLLATE ip") == 0


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    names._known.clear()
    names._lost.clear()
    monkeypatch.setattr(names, "PATIENCE", 0.05)


def test_name_servers_are_not_asked_unless_permitted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getnameinfo", lambda *_: pytest.fail("it was asked"))
    assert "--reverse-dns" in refused(engine, "reverse_dns('127.0.0.1')")


def test_the_option_and_the_setting_permit_it(tmp_path: Path) -> None:
    asks = ("--json", "SELECT reverse_dns('no address') AS a")
    assert command(*asks).returncode == 1
    assert json.loads(command("--reverse-dns", *asks).stdout) == [{"a": None}]
    (tmp_path / "config.toml").write_text("reverse_dns = true\n")
    assert json.loads(command(*asks, env={**os.environ, "SQLPORTS_CONFIG": str(tmp_path / "config.toml")}).stdout) == [
        {"a": None}
    ]


def test_a_name_is_asked_for_once(engine: Engine, forgotten: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(address: tuple[str, int], flags: int) -> tuple[str, str]:
        asked.append(address[0])
        if address[0] == "192.0.2.2":
            raise socket.gaierror(socket.EAI_NONAME, "none")
        return f"host-{address[0]}", "0"

    monkeypatch.setattr(socket, "getnameinfo", answer)
    monkeypatch.setattr(names, "PATIENCE", 60)
    engine.reverse_dns = True
    for _ in range(3):
        assert told(engine, "reverse_dns('192.0.2.1')") == "host-192.0.2.1"
        assert told(engine, "reverse_dns('192.0.2.2')") is None
    assert asked == ["192.0.2.1", "192.0.2.2"]
    for none in (None, "", "*", 7, "example.org", b"::1"):
        assert told(engine, "reverse_dns(?)", none) is None
    assert len(asked) == 2


def test_a_name_server_that_does_not_answer_holds_nothing_up(
    engine: Engine, forgotten: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    answered = threading.Event()

    def never(address: tuple[str, int], flags: int) -> tuple[str, str]:
        answers.wait()
        answered.set()
        return "late", "0"

    monkeypatch.setattr(socket, "getnameinfo", never)
    engine.reverse_dns = True
    try:
        with engine.snapshot():
            count = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) "
            assert {row["it"] for row in engine.query(f"{count}SELECT reverse_dns('192.0.2.' || i) AS it FROM n")} == {None}
        assert [(one.source, one.times) for one in engine.refusals] == [("reverse_dns", 20)]
    finally:
        answers.set()
    answered.wait()


@pytest.mark.parametrize(
    ("path", "parent"),
    [
        ("/usr/bin/sh", "/usr/bin"),
        ("/x", ""),
        ("/", ""),
        ("x", None),
        ("", None),
        ("/a/", "/a"),
        ("a/b", "a"),
        ("/a\nb/c", "/a\nb"),
    ],
)
def test_the_parent_is_what_stands_before_the_last_slash(engine: Engine, path: str, parent: str | None) -> None:
    assert told(engine, "parent_directory(?)", path) == parent


@pytest.mark.parametrize("path", [None, 7, b"/x"])
def test_only_a_text_has_a_parent(engine: Engine, path: Any) -> None:
    assert "TEXT was expected" in refused(engine, "parent_directory(?)", path)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A directory with the files 'my', 'my tool' and 'my tool two'; 'my dir' is a directory."""
    for name in ("my", "my tool", "my tool two"):
        (tmp_path / name).write_text("")
    (tmp_path / "my dir").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "rest", "found", "is_sure"),
    [
        ("{}/my tool --now", "", "{}/my", 0),
        ("  {}/my", "", "{}/my", 1),
        ("{}/my dir/x", "", "{}/my", 1),
        ("{}/none at all", "", "", 1),
        ('"{}/my tool" two', ", 1", "{}/my tool", 0),
        ('"{}/my tool" --now', ", 1", "{}/my tool", 1),
        ('"{}/my tool" --now', "", "", 1),
        ("{}/my\\ tool --now", "", "{}/my tool", 1),
        ("{}/my^ tool --now", ", 0, '^'", "{}/my tool", 1),
        ("my tool", "", "", 1),
        ("", "", "", 1),
        ("{}/my\ttool", "", "{}/my", 1),
        ("{}/my\0tool x", "", "", 1),
    ],
)
def test_the_program_that_a_command_line_names(
    engine: Engine,
    program: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    rest: str,
    found: str,
    is_sure: int,
) -> None:
    monkeypatch.chdir(program)
    line = line.replace("{}", str(program))
    assert told(engine, f"find_file_path_in_cmd(?{rest})", line) == found.replace("{}", str(program))
    assert told(engine, f"is_path_deterministic(?{rest})", line) == is_sure


def test_programs_are_looked_for_below_the_root(program: Path) -> None:
    (program / "out").symlink_to("/my")
    with Engine(root=str(program)) as engine:
        assert told(engine, "find_file_path_in_cmd('/my tool')") == "/my"
        assert told(engine, "find_file_path_in_cmd('/out x')") == "/out"
        assert told(engine, "find_file_path_in_cmd(?)", f"{program}/my") == ""


@pytest.mark.parametrize("name", ["find_file_path_in_cmd", "is_path_deterministic"])
@pytest.mark.parametrize("arguments", ["NULL", "'/x', NULL", "'/x', 1, NULL", "'/x', 1, ''", "'/x', 1, 'ab'"])
def test_what_no_program_is_looked_for_by(engine: Engine, name: str, arguments: str) -> None:
    assert f"{name}: Invalid inputs to {name}" in refused(engine, f"{name}({arguments})")


def test_a_very_long_command_line_is_no_long_work(engine: Engine) -> None:
    assert told(engine, "find_file_path_in_cmd(?)", "/x " * 1_000_000) == ""


def test_a_file_system_that_does_not_answer_holds_nothing_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setattr(programs, "PATIENCE", 0.05)
    monkeypatch.setattr(programs, "_files", lambda *_: answers.wait() and [])
    try:
        assert "did not answer" in refused(engine, "find_file_path_in_cmd('/x')")
    finally:
        answers.set()


def test_carving_is_left_out_and_says_so(engine: Engine) -> None:
    assert "carve: it is left out" in refused(engine, "carve('/etc/passwd')")


@pytest.mark.parametrize(("seconds", "slept"), [(0, 0), (-5, 0), (None, 0), ("x", 0), (0.9, 0)])
def test_to_sleep_no_time_is_done_at_once(engine: Engine, seconds: Any, slept: int) -> None:
    assert told(engine, "sleep(?)", seconds) == slept


def test_sleep_gives_how_long_it_slept(engine: Engine) -> None:
    assert told(engine, "sleep(1)") == 1


def test_sleep_ends_when_the_statement_has_to() -> None:
    with Engine(timeout=0.05) as engine, pytest.raises(QueryTimeout):
        engine.query("SELECT sleep(86400)")


def test_any_number_of_arguments_is_shown_as_such() -> None:
    def joined(separator: Any, *value: Any) -> Any:
        """All."""

    def every(*value: Any) -> Any:
        """All."""

    def asking(host: Any, text: Any, most: Any = 3) -> Any:
        """Its beginning."""

    assert (Declared("text", joined).arguments, list(Declared("text", joined).counts)) == ("separator [, value, …]", [-1])
    assert Declared("text", every).arguments == "[value, …]"
    assert (Declared("text", asking, host=True).arguments, list(Declared("text", asking, host=True).counts)) == (
        "text [, most]",
        [1, 2],
    )


def test_osquerys_meanings_are_declared_apart() -> None:
    ours, dialect = {one.name for one in declared()}, {one.name for one in declared(osquery=True)}
    assert dialect - ours >= {"log", "concat", "floor"}
    assert not ours & {"log", "concat", "floor"}


def test_what_sleeps_or_looks_is_asked_again_for_each_row(engine: Engine) -> None:
    with pytest.raises(QueryError, match="non-deterministic"):
        Engine(write=True).query("CREATE TABLE t (a); CREATE INDEX i ON t (sleep(a))")


def test_collations_are_in_the_help() -> None:
    shown = command("--csv", "functions", "collat").stdout
    for name in ("NOCASE", "ip", "version", "version_dpkg"):
        assert f"COLLATE {name},collation," in shown
