"""Queries made at random, but the same ones every time, give over the tables what they give over plain copies of them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from sqlports import Engine, registry

from .conftest import FakeRoot

JOINED = ("processes", "sockets", "handles", "users")
KEYS = {
    "processes": ("pid", "parent", "uid", "pgroup", "session", "fd_count"),
    "sockets": ("pid", "uid", "inode", "local_port", "remote_port", "fd", "owners"),
    "handles": ("pid", "fd", "inode", "offset"),
    "users": ("uid", "gid"),
}
WORDS = {"processes": ("name", "state", "cmdline"), "sockets": ("protocol", "state", "path"), "handles": ("type", "target"),
         "users": ("username", "shell")}  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    fake = FakeRoot(tmp_path_factory.mktemp("root"))
    chance = random.Random(1)
    for pid in range(1, 31):
        fds = {fd: chance.choice([f"socket:[{500 + chance.randrange(20)}]", "pipe:[9]", "/etc/passwd"]) for fd in range(4)}
        name = chance.choice(["sh", "SH", "7", "web (1)", " 7", "1e3"])
        fake.process(pid, name, parent=chance.randrange(0, 12), uid=chance.choice([0, 7, 1000]), fds=fds)
    states = ["0A", "01", "06", "08"]
    rows = []
    for number in range(25):
        inode = 500 + number if number % 3 else 0
        rows.append(f"0100007F:{number % 9:04X} 0100007F:{number % 5:04X} {chance.choice(states)} {inode} 1000")
    fake.net("tcp", *rows)
    made = Engine(root=str(fake.path), write=True)
    with made.snapshot():
        for name in JOINED:
            table = registry.table(name)
            made.query(table.sql.replace(f"TABLE {name}(", f"TABLE copy_{name}(").replace(" HIDDEN", ""))
            made.query(f"INSERT INTO copy_{name} SELECT {', '.join(c.name for c in table.columns)} FROM {name}")
        yield made
    made.close()


def value(chance: random.Random) -> str:
    return chance.choice(
        [
            "0",
            "1",
            "3",
            "7",
            "1000",
            "501",
            "'7'",
            "' 7'",
            "'1e3'",
            "7.0",
            "3.5",
            "NULL",
            "'x'",
            "x'37'",
            "-1",
            "'SH'",
            "'LISTEN'",
        ]
    )


def query(chance: random.Random) -> str:
    """A join of one to three tables under random conditions; {} stands before the name of a table."""
    names = [chance.choice(JOINED) for _ in range(chance.choice([1, 1, 2, 2, 3]))]
    source = f"{{}}{names[0]} t0"
    for number, name in enumerate(names[1:], 1):
        left = chance.randrange(number)
        kind = chance.choice(["JOIN", "LEFT JOIN", "CROSS JOIN"])
        pairs = [(chance.choice(KEYS[names[left]]), chance.choice(KEYS[name])) for _ in range(chance.choice([1, 1, 2]))]
        words = [(chance.choice(WORDS[names[left]]), chance.choice(WORDS[name]))] if chance.random() < 0.2 else []
        on = " AND ".join(f"t{number}.{b} {chance.choice(['=', '=', 'IS'])} t{left}.{a}" for a, b in pairs + words)
        source += f" {kind} {{}}{name} t{number} ON {on}"
    where = []
    for _ in range(chance.randrange(4)):
        number = chance.randrange(len(names))
        column = f"t{number}.{chance.choice(KEYS[names[number]] + WORDS[names[number]])}"
        inner = chance.choice(JOINED)
        where.append(
            chance.choice(
                [
                    f"{column} = {value(chance)}",
                    f"{column} IS {value(chance)}",
                    f"{column} IN ({value(chance)}, {value(chance)}, {value(chance)})",
                    f"{column} IN (SELECT {chance.choice(KEYS[inner] + WORDS[inner])} FROM {{}}{inner} WHERE pid > 28 OR 0)"
                    if inner != "users"
                    else f"{column} NOT IN (SELECT uid FROM {{}}users WHERE 0)",
                    f"{column} {chance.choice(['<', '<=', '>', '>=', '<>'])} {value(chance)}",
                    f"{column} BETWEEN {value(chance)} AND {value(chance)}",
                    f"{column} IS {chance.choice(['', 'NOT '])}NULL",
                    f"{column} LIKE '%s%'",
                    f"{column} = {value(chance)} COLLATE NOCASE",
                    f"EXISTS (SELECT 1 FROM {{}}handles h WHERE h.pid = {column} AND h.fd = 2)",
                ]
            )
        )
    condition = chance.choice([" AND ", " OR "]).join(where) or "1"
    last = f"t{len(names) - 1}.{KEYS[names[-1]][0]}"
    return f"SELECT count(*), sum(t0.{KEYS[names[0]][0]}), count({last}) FROM {source} WHERE {condition}"


@pytest.mark.parametrize("seed", range(300))
def test_a_query_over_the_tables_equals_one_over_copies(seed: int, engine: Engine) -> None:
    form = query(random.Random(seed))
    expected = list(engine.query(form.replace("{}", "copy_"))[0].values())
    assert list(engine.query(form.replace("{}", ""))[0].values()) == expected, form


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        # What is asked for directly goes before what is listed as a whole, wherever it stands.
        ("SELECT 1 FROM sockets s JOIN handles h USING (inode) WHERE h.pid = 7", "h"),
        ("SELECT 1 FROM processes p JOIN process_tree t ON t.ancestor = p.pid WHERE t.descendant = 7", "t"),
        ("SELECT 1 FROM port_registry r JOIN sockets s USING (port)", "s"),
        ("SELECT 1 FROM handles h JOIN sockets s USING (inode)", "s"),
        ("SELECT 1 FROM handles h JOIN processes p USING (pid)", "p"),
    ],
)
def test_a_join_begins_with_the_fewest_rows(sql: str, first: str, engine: Engine) -> None:
    [row, *_] = engine.query(f"EXPLAIN QUERY PLAN {sql}")
    assert row["detail"].startswith(f"SCAN {first} ")
