"""osqueryi's flags, what they are set to by a command line as gflags reads it, and the page about them.

`--x`, `--x=v`, `--x v`, `--nox`, each with one dash too; what is no flag may stand between them, and all behind `--` is none.
(gflags: ParseNewCommandLineFlags() in gflags.cc.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlports.errors import Error

# The osquery whose shell, tables and functions these are.
VERSION = "5.23.0"

_YES, _NO = ("1", "t", "true", "y", "yes"), ("0", "f", "false", "n", "no")


class Flag(NamedTuple):
    """A flag.

    type        'bool', 'string', 'int32' or 'uint64'
    heeded      whether it does something here: of others it is only known that they are osquery's
    refused     why another value than the default is refused; '' where it is not
    shell_only  whether osquery's shell alone has it
    """

    name: str
    type: str
    default: str
    doc: str
    heeded: bool = True
    refused: str = ""
    shell_only: bool = False


class BadFlags(Error):
    """The flags are wrong. A line for each fault, as gflags writes them."""


_SOCKETS = "sqlports neither has nor speaks to extensions"
_DAEMON = "sqlports is no daemon: it only has osquery's shell"

_SHELL = (
    Flag("A", "string", "", "Write all rows of a table"),
    Flag("L", "bool", "false", "List the tables"),
    Flag("connect", "string", "", "Ask another osquery by its extension socket", False, _SOCKETS),
    Flag("csv", "bool", "false", "Write results as CSV"),
    Flag("extension", "string", "", "Load an extension", False, _SOCKETS),
    Flag("header", "bool", "true", "Write the names of columns in list, column and CSV"),
    Flag("json", "bool", "false", "Write results as JSON"),
    Flag("json_pretty", "bool", "false", "Write results as JSON, a value in each line"),
    Flag("line", "bool", "false", "Write results with a value in each line"),
    Flag("list", "bool", "false", "Write results with --separator between values"),
    Flag("nullvalue", "string", "", "What stands for NULL"),
    Flag("output", "string", "", "Write results to a file; - is standard output"),
    Flag("pack", "string", "", "Run the queries of a pack of the configuration"),
    Flag("planner", "bool", "false", "Tell on standard error how statements are planned"),
    Flag("profile", "int32", "0", "Run the query so many times and write nothing"),
    Flag("query", "string", "", "SQL to run"),
    Flag("query_file", "string", "", "A file of SQL to run"),
    Flag("separator", "string", "|", "What stands between values in list and CSV"),
)
_OWN = (
    Flag("config_check", "bool", "false", "Tell by the exit status whether the configuration is in order"),
    Flag("config_dump", "bool", "false", "Write the configuration as it is in its files"),
    Flag("config_path", "string", "/etc/osquery/osquery.conf", "The configuration, whose packs and schedule are in tables"),
    Flag("disable_tables", "string", "", "Tables that are not there, with a comma between two"),
    Flag("enable_tables", "string", "", "The only tables that are there, with a comma between two"),
    Flag("flagfile", "string", "", "A file of flags, one in each line"),
    Flag("pack_delimiter", "string", "_", "What stands between the parts of the name of a pack's query"),
    Flag("schedule_default_interval", "uint64", "3600", "Seconds between two runs of a query that does not say"),
    Flag("verbose", "bool", "false", "Tell on standard error how statements were understood"),
    Flag("config_plugin", "string", "filesystem", "Where the configuration is from: filesystem"),
)
# Accepted so that command lines of osqueryi run: here they are without effect.
_OTHERS = """
bool false allow_unsafe audit_allow_config audit_allow_fim_events audit_allow_process_events audit_allow_sockets audit_persist
bool false database_dump decorations_top_level disable_endpointsecurity disable_memory disable_reenrollment enable_bpf_events
bool false enable_extensions_watchdog enable_file_events enable_foreign enable_numeric_monitoring enable_syslog ephemeral
bool false extensions_default_index force keep_container_worker_open logger_numerics logger_snapshot_event_type logger_stderr
bool false logger_syslog_prepend_cee logtostderr table_exceptions tls_disable_status_log tls_dump
bool false disable_hash_cache ignore_registry_exceptions ignore_table_exceptions S
bool true audit_allow_user_events carver_disable_function disable_audit disable_caching disable_carver disable_database
bool true disable_distributed disable_enrollment disable_events disable_extensions disable_logging disable_watchdog
bool true events_optimize logger_event_type utc
string  config_tls_endpoint carver_continue_endpoint carver_start_endpoint database_path distributed_loginfo
string  distributed_tls_read_endpoint distributed_tls_write_endpoint enroll_secret_env enroll_secret_path enroll_tls_endpoint
string  extensions_autoload extensions_require extensions_socket host_identifier logger_kafka_brokers logger_path
string  logger_tls_endpoint pidfile proxy_hostname specified_identifier tls_client_cert tls_client_key tls_hostname
string  tls_server_certs undefok
string filesystem logger_plugin
string tls distributed_plugin
uint64 0 alarm_timeout config_accelerated_refresh config_refresh config_tls_max_attempts distributed_interval
uint64 0 events_expiry events_max extensions_interval extensions_timeout hash_cache_max hash_delay
uint64 0 logger_min_status logger_min_stderr logger_rotate_max_files logger_tls_max_lines logger_tls_max_linesize
uint64 0 logger_tls_period minloglevel pack_refresh_interval read_max read_user_max regex_max_size schedule_epoch
uint64 0 schedule_max_drift schedule_reload schedule_splay_percent schedule_timeout stderrthreshold
uint64 0 table_delay v watchdog_delay watchdog_latency_limit watchdog_level watchdog_memory_limit watchdog_utilization_limit
uint64 0 worker_threads
"""


def _others() -> Iterator[Flag]:
    for line in _OTHERS.strip().splitlines():
        kind, _, rest = line.partition(" ")
        default, *names = rest.split(" ")
        for name in names:
            yield Flag(name, kind, default, "Without effect here", False)
    for name in ("D", "daemonize", "install", "uninstall"):
        yield Flag(name, "bool", "false", "Start or set up osqueryd", False, _DAEMON)


FLAGS = {
    flag.name: flag
    for flag in sorted((*(one._replace(shell_only=True) for one in _SHELL), *_OWN, *_others()), key=lambda f: f.name)
}


class Given(NamedTuple):
    """A command line: the values of all flags by their names, and its other words."""

    values: Mapping[str, str]
    words: tuple[str, ...]

    def is_on(self, name: str) -> bool:
        """Whether a flag that is one of two things is on."""
        return self.values[name] == "true"


DEFAULTS = Given({name: flag.default for name, flag in FLAGS.items()}, ())


def parse(arguments: Sequence[str]) -> Given:
    """What a command line sets and has. Raises BadFlags, and OSError for a flagfile that cannot be read."""
    values = dict(DEFAULTS.values)
    faults: dict[str, str] = {}
    words = _read(list(arguments), values, faults)
    if values["flagfile"]:
        with open(values["flagfile"], encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file]
        set_in_file = dict(DEFAULTS.values)
        _read([line for line in lines if line.startswith("-")], set_in_file, faults)
        # Those of the command line come last.
        values = {name: values[name] if values[name] != FLAGS[name].default else set_in_file[name] for name in values}
    for name, value in values.items():
        if FLAGS[name].refused and value != FLAGS[name].default:
            faults[name] = f"ERROR: flag '{name}' is not for this shell: {FLAGS[name].refused}"
    if faults:
        raise BadFlags("\n".join(faults[name] for name in sorted(faults)))
    return Given(values, tuple(words))


def _read(arguments: list[str], values: dict[str, str], faults: dict[str, str]) -> list[str]:
    """Take the flags into `values`, what is wrong into `faults`; the words that are no flags."""
    words: list[str] = []
    while arguments:
        word = arguments.pop(0)
        if word == "--":
            return [*words, *arguments]
        if word == "-" or not word.startswith("-"):
            words.append(word)
            continue
        name, equals, value = re.sub("^--?", "", word).partition("=")
        flag = FLAGS.get(name)
        if flag is None:
            positive = FLAGS.get(name.removeprefix("no")) if name.startswith("no") else None
            if positive is None or positive.type != "bool":
                why = "boolean value ({}) specified for {} command line flag" if positive else "unknown command line flag '{}'"
                faults[name] = "ERROR: " + why.format(name, positive.type if positive else "")
                continue
            flag, equals, value = positive, "=", "false"
        if not equals and flag.type == "bool":
            value = "true"
        elif not equals:
            if not arguments:
                faults[name] = f"ERROR: flag '{name}' is missing its argument; flag description: {flag.doc}"
                continue
            value = arguments.pop(0)
        taken = _value(flag, value)
        if taken is None:
            faults[name] = f"ERROR: illegal value '{value}' specified for {flag.type} flag '{flag.name}'"
        else:
            values[flag.name] = taken
    return words


def _value(flag: Flag, text: str) -> str | None:
    """A value as gflags keeps it; None for one that the flag does not take."""
    if flag.type == "bool":
        small = text.lower()
        return "true" if small in _YES else "false" if small in _NO else None
    if flag.type != "string" and not re.fullmatch(r"\s*[+-]?(0x[0-9a-fA-F]+|\d+)" if flag.type == "int32" else r"\s*\d+", text):
        return None
    return text


def page() -> str:
    """What --help writes."""
    heeded = [flag for flag in FLAGS.values() if flag.heeded]
    lines = ["usage: sqlports osqueryi [OPTION]... [SQL STATEMENT]", ""]
    lines += [f"osquery {VERSION}'s shell, asking this machine by sqlports.", ""]
    lines += [
        "Where it stands in for osqueryi: alias osqueryi='sqlports osqueryi', or a script of that name in the PATH with",
        "",
    ]
    lines += ["    #!/bin/sh", '    exec sqlports osqueryi "$@"']
    for title, is_shell in (("osquery configuration options:", False), ("osquery shell-only CLI flags:", True)):
        lines += ["", title, ""]
        for flag in heeded:
            if flag.shell_only == is_shell:
                takes = "" if flag.type == "bool" else " VALUE"
                lines.append(f"    --{flag.name + takes:<34}  {flag.doc}")
    unheeded = sum(not flag.heeded and not flag.refused for flag in FLAGS.values())
    lines += ["", f"{unheeded} more of osquery's flags are accepted and without effect: the table osquery_flags has all."]
    return "\n".join(lines) + "\n"


def completions(words: Sequence[str]) -> list[tuple[str, str]]:
    """What could stand in the place of the last word, with what it means."""
    if not words[-1].startswith("-"):
        return []
    return [(f"--{flag.name}", flag.doc) for flag in FLAGS.values() if flag.heeded]
