"""The fdinfo of an io_uring (io_uring_setup(2)): numbers of its two rings, and lists below headings."""

from __future__ import annotations

import re

from sqlports.sources.procfs import text

_HEADING = re.compile(rb"([A-Za-z][A-Za-z_]*):\s*(.*)$", re.DOTALL)
_NUMBER = re.compile(rb"-?\d{1,20}|0x[0-9a-f]{1,16}")
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PLURALS = {"SQEs", "CQEs"}
_FILE = re.compile(rb" *(\d{1,9}): (.*)$", re.DOTALL)

# Lists of which only the length is told: what is on its way is other in a moment.
_COUNTED = {"poll_list", "cq_overflow_list"}
_NOBODY = {"sq_thread", "sq_thread_cpu"}


def ring(lines: list[bytes], found: dict[str, object]) -> list[bytes]:
    """Add what the lines say, under the kernel's names: 'SqMask' as 'sq_mask'; those that are left over are returned.

    `sq_size` and `cq_size` are the entries of the rings, `files` the registered files; of requests only their number is told.
    """
    left: list[bytes] = []
    files: list[dict[str, object]] = []
    section = ""
    for line in lines:
        heading = _HEADING.match(line)
        if heading:
            name = text(heading[1])
            section = (name if name in _PLURALS else _WORD.sub("_", name)).lower()
            if section in found:
                left.append(line)
            elif section in _COUNTED:
                found[section] = 0
            else:
                found[section] = _value(section, heading[2].rstrip())
        elif not line.startswith(b" ") or not section:
            left.append(line)
        elif section in _COUNTED:
            count = found[section]
            found[section] = count + 1 if isinstance(count, int) else 1
        elif section == "user_files" and (file := _FILE.match(line)):
            files.append({"index": int(file[1]), "file": text(file[2])})
        elif section not in ("sqes", "cqes", "user_bufs"):
            left.append(line)
    for which in ("sq", "cq"):
        mask = found.get(f"{which}_mask")
        if isinstance(mask, int):
            found[f"{which}_size"] = mask + 1
    if files:
        found["files"] = files
    return left


def _value(section: str, value: bytes) -> object:
    if not _NUMBER.fullmatch(value):
        return text(value)
    number = int(value, 0) if value.startswith(b"0x") else int(value)
    return None if section in _NOBODY and number < 0 else number
