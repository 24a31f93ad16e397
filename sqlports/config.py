"""The configuration file: TOML, a key for each of `Settings`. It is read and never written."""

from __future__ import annotations

import errno
import os
import stat
import tomllib
from argparse import Namespace
from typing import Any, NamedTuple

from sqlports import own_files, toml_text
from sqlports.cells import safe
from sqlports.errors import file_name
from sqlports.options import Misuse
from sqlports.session import complain
from sqlports.settings import Settings, fault

# More than anybody writes, and less than what is named by mistake.
LARGEST = 1 << 16

# What no terminal shows.
_FOR_FILES = ("parquet", "arrow")


class ConfigError(Misuse):
    """The configuration file cannot be used; the message names every fault with its line and its key."""


class Config(NamedTuple):
    """A configuration file.

    path    None where none is used
    values  the value of each setting that it has
    lines   the line of each, from 1
    remark  why a file that is there is not used; None for nothing to remark
    """

    path: str | None
    values: dict[str, Any]
    lines: dict[str, int]
    remark: str | None = None

    @property
    def settings(self) -> Settings:
        """The settings, those that the file has not as they are by themselves."""
        return Settings(**self.values)


def load() -> Config:
    """The configuration file. Raises ConfigError when it has faults, or SQLPORTS_CONFIG names one that cannot be used.

    A file that nobody named and that may not be read, or not be trusted, is left alone: the remark says so.
    """
    found = own_files.config_path()
    if found is None:
        return Config(None, {}, {})
    path, named = found
    try:
        data = _read(path)
    except OSError as error:
        if named:
            raise ConfigError(f"SQLPORTS_CONFIG: {file_name(path)}: {error.strerror}") from None
        return Config(None, {}, {}, f"{file_name(path)} is not used: {error.strerror}")
    return read(data, path)


def place() -> str | None:
    """Where the configuration file is looked for, there or not; None where it is none's."""
    found = own_files.config_path()
    if found:
        return found[0]
    return None if "SQLPORTS_CONFIG" in os.environ else own_files.plain_path("XDG_CONFIG_HOME", ".config", "config.toml")


def read(data: bytes, path: str) -> Config:
    """The configuration that a file's bytes are. Raises ConfigError with all its faults."""
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file_name(path)}:{line}: it is not UTF-8") from None
    text, values, faults = toml_text.parse(text)
    lines = _lines(text) if values else {}
    for key, value in values.items():
        message = fault(key, value)
        if message and isinstance(value, dict):
            message = "settings have no table above them: each stands by itself, NAME = VALUE"
        if key == "mode" and value in _FOR_FILES:
            message = (
                f"{value} is nothing for a terminal, and this mode is that of terminals: --{value} goes with --output FILE"
            )
        if message:
            faults.append(toml_text.Fault(lines.get(key, 1), key, message))
    if faults:
        name = file_name(path)
        said = [f"{name}:{line}: {f'{safe(key)}: ' if key else ''}{message}" for line, key, message in sorted(faults)]
        raise ConfigError("\n".join(said))
    return Config(path, values, lines)


def _read(path: str) -> bytes:
    """Raises OSError for what may not be read, or by root not be trusted, and ConfigError for what is no file of text."""
    if path == os.devnull:
        return b""
    root = not own_files.WINDOWS and os.geteuid() == 0
    # It names a command, which root would run; and to say what is wrong in a file is to tell what is in it.
    if root and own_files.of_others(os.path.abspath(path)):
        raise PermissionError(
            errno.EPERM, "it or a directory above it belongs to another user, and root takes settings from none"
        )
    # Not blocking: a pipe of that name would wait for its other end.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{file_name(path)}: it is {'a directory' if stat.S_ISDIR(found.st_mode) else 'no file'}")
        if root and found.st_mode & 0o022:
            raise PermissionError(errno.EPERM, "others than its owner may write it, and root takes settings from none")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:
        raise ConfigError(f"{file_name(path)}: it is larger than {LARGEST:,} bytes: no configuration is")
    return data


def _lines(text: str) -> dict[str, int]:
    """The line of each key at the top of a valid text; that of a table where it is first named."""
    lines: dict[str, int] = {}
    below = False
    for line, statement in toml_text.statements(text):
        header = statement.startswith("[")
        if header or not below:
            # tomllib knows how a key is written.
            for key in tomllib.loads(statement):
                lines.setdefault(key, line)
        below = below or header
    return lines


# What shows in the output: it is for people, and nothing of it reaches a pipe or a file.
_SHOWN = ("mode", "rows", "types", "units", "null", "pager", "colour", "timeout")
# Commands that answer in a form of their own, whatever mode is set, and those that have to answer whatever is wrong.
_OWN_FORM = ("port", "registry")
_ALWAYS = ("completion", "man")


def apply(options: Namespace, terminal: bool, is_prompt: bool) -> Settings | None:
    """The settings: those of the file, where the output goes to a terminal or they do not show there, under the options.

    What the options leave open is taken from them. None where they make no difference. Raises ConfigError, but where the
    output goes to no terminal and nobody named the file: its faults are told then, and it is left alone.
    """
    if options.command in _ALWAYS or options.sql[:2] == ["config", "example"]:
        return None
    try:
        found = load()
    except ConfigError as error:
        if terminal or is_prompt or options.command == "config" or "SQLPORTS_CONFIG" in os.environ:
            raise
        found = Config(None, {}, {}, f"{error}\nthe file is not used")
    if found.remark:
        complain(found.remark)
    settings = Settings(**{name: value for name, value in found.values.items() if terminal or name not in _SHOWN})
    if options.mode is None and options.command not in _OWN_FORM:
        options.mode = settings.mode
    settings.mode = options.mode or settings.mode
    settings.types = options.types or settings.types
    settings.units = options.units = options.units or settings.units
    settings.reverse_dns = options.reverse_dns = options.reverse_dns or settings.reverse_dns
    settings.timeout = options.timeout or settings.timeout
    options.timeout = settings.timeout or None
    return settings
