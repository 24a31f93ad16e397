"""coverage: what could not be seen is told, aspect by aspect, so that a blind look is never called clean."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from sqlports import Engine

from .conftest import FakeRoot, as_nobody, own, reads

pytestmark = pytest.mark.linux

# Python, with this checkout at hand.
PYTHON = ["env", f"PYTHONPATH={os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}", sys.executable, "-P", "-c"]
ASPECTS = "processes", "process details", "handle tables", "network namespaces", "socket lists", "PID namespace", "capabilities"


def by_aspect(engine: Engine) -> dict[str, dict[str, Any]]:
    return {row["aspect"]: row for row in engine.query("SELECT * FROM coverage")}


def test_every_aspect_has_a_row_and_one_alone_takes_no_other_look(live: Engine) -> None:
    assert tuple(by_aspect(live)) == ASPECTS
    assert reads(live, "SELECT complete FROM coverage WHERE aspect = 'capabilities'") == {}
    assert "fd" not in reads(live, "SELECT * FROM coverage WHERE aspect = 'processes'")


def test_seen_and_unseen_together_are_all(live: Engine) -> None:
    found = by_aspect(live)
    assert found["processes"]["unseen"] in (0, None)
    for aspect in ("process details", "handle tables"):
        # Processes come and go while they are counted.
        assert abs(found[aspect]["seen"] + found[aspect]["unseen"] - found["processes"]["seen"]) <= 20
        assert found[aspect]["complete"] == int(found[aspect]["unseen"] == 0)


@pytest.mark.root
def test_whoever_may_not_look_is_told_how_much_is_missing() -> None:
    def look() -> dict[str, dict[str, Any]]:
        return by_aspect(Engine())

    found = as_nobody(look, lambda: by_aspect(Engine()))
    assert found["handle tables"]["complete"] == found["process details"]["complete"] == 0
    assert found["handle tables"]["unseen"] > 0
    assert re.fullmatch(r"not permitted, of process \d+(, \d+)*( and \d+ more)?", found["handle tables"]["detail"])
    assert found["capabilities"]["detail"].startswith("lacks CAP_SYS_PTRACE")
    assert found["capabilities"]["complete"] == 0


@pytest.mark.root
def test_root_in_a_namespace_of_its_own_sees_all_there_is_to_see_there() -> None:
    script = "import json; from sqlports import Engine; print(json.dumps(Engine().query('SELECT * FROM coverage')))"
    within = ["unshare", "--pid", "--fork", "--mount-proc", "--net"]
    done = subprocess.run([*within, *PYTHON, script], capture_output=True, text=True, timeout=60, check=True)
    found = {row["aspect"]: row for row in json.loads(done.stdout)}
    for aspect in ("processes", "process details", "handle tables", "network namespaces"):
        # Nothing is kept back, and what is outside is not even listed.
        assert (found[aspect]["unseen"], found[aspect]["complete"]) == (None, 0), found[aspect]
    assert found["capabilities"]["complete"] == 1
    assert found["PID namespace"]["complete"] == 0
    assert "outside" in found["PID namespace"]["detail"]


@pytest.mark.root
def test_the_root_of_a_user_namespace_has_no_capability_that_counts() -> None:
    sql = "SELECT complete FROM coverage WHERE aspect = 'capabilities'"
    script = f"from sqlports import Engine; print(Engine().query({sql!r}))"
    within = ["unshare", "--user", "--map-root-user"]
    done = subprocess.run([*within, *PYTHON, script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[{'complete': 0}]\n"


@pytest.mark.root
@pytest.mark.parametrize(("setting", "word", "unseen", "complete"), [("1", "noaccess", 0, 1), ("2", "invisible", None, 0)])
def test_hidden_processes_are_told(setting: str, word: str, unseen: int | None, complete: int) -> None:
    script = """import json, os
from sqlports import Engine
look = lambda: Engine().query("SELECT unseen, complete, detail FROM coverage")
look()
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
print(json.dumps(look()))"""
    mounted = f'mount -t proc -o hidepid={setting} proc /proc && exec "$@"'
    within = ["unshare", "--mount", "sh", "-c", mounted, "sh"]
    done = subprocess.run([*within, *PYTHON, script], capture_output=True, text=True, timeout=60, check=True)
    row, *others = json.loads(done.stdout)
    assert (row["unseen"], row["complete"]) == (unseen, complete)
    # Nor are the handles complete, nor the network namespaces, of which nobody knows in what hidden ones are.
    assert [other["complete"] for other in others[:3]] == [0, 0, 0]
    assert row["detail"] in (f"/proc is mounted with hidepid={setting}", f"/proc is mounted with hidepid={word}")


def test_a_copy_of_proc_has_coverage_too(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, fds={3: "socket:[7]"})
    assert own(engine, "SELECT seen, unseen, complete FROM coverage WHERE aspect = 'handle tables'") == [(1, None, 0)]
