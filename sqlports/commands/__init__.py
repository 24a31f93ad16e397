"""The commands that are words: `sqlports port 8080`. A module has its `misuse(options)` and its `run(engine, options)`."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """A command.

    module    what has its `misuse` and its `run`
    argument  what stands behind its name, as help shows it; '' for nothing
    doc       what it does, whose first sentence is the summary
    """

    module: str
    argument: str
    doc: str


# By the first word that is no SQL.
COMMANDS = {
    "tables": Command(
        "sqlports.commands.catalogue",
        "[WORD]…",
        "List the tables and views. With WORDs those whose name has each of them in it.",
    ),
    "schema": Command("sqlports.commands.catalogue", "TABLE…", "List the columns of tables and views."),
    "describe": Command(
        "sqlports.commands.catalogue",
        "TABLE…",
        "Tell all there is to know of a table or view: its columns and how they are searched, what is read for them, what it "
        "is joined to, and examples. There are a page for people and --json.",
    ),
    "functions": Command(
        "sqlports.commands.catalogue",
        "[WORD]",
        "List the functions of SQL. With WORD those in whose name or description it is.",
    ),
    "explain": Command(
        "sqlports.commands.explain",
        "SQL",
        "Tell in words what a query does, without running it: what is walked, what is asked for directly, what is read for "
        "each row, and which joins look at very many pairs.",
    ),
    "port": Command(
        "sqlports.commands.port",
        "PORT…",
        "Tell all there is to say about a port. A PORT is 8080, 53/udp or https. There are a page for people and --json.",
    ),
    "audit": Command(
        "sqlports.commands.audit",
        "[list|show|convert] [PATH|NAME]…",
        "Run audits, questions with a verdict: all that come with sqlports and your own in ~/.config/sqlports/audits, or "
        "those of these names (exposed-* is a pattern), packs, .sql files, folders and osquery packs. list names them and "
        "their packs, or those of a PACK, show NAME tells all of one, "
        "convert makes an osquery pack of .sql files or the other way (-o says where to). Status 0: nothing found; "
        "1: findings from --fail-on on; 2: wrong usage or a bad file; 3: an audit failed, or with --strict did not see all; "
        "4: one took longer than --timeout (60 s).",
    ),
    "run": Command(
        "sqlports.commands.run",
        "[NAME [--PARAMETER VALUE]…]",
        "Run a named query, or list them. Some come with sqlports, and the .sql files of ~/.config/sqlports/queries are your "
        "own. A parameter is an option, a word in its order, or -p NAME=VALUE. sqlports run NAME --help tells "
        "what one takes, --sql shows its SQL.",
    ),
    "osqueryi": Command(
        "sqlports.osqueryi.command",
        "[FLAG]… [SQL]",
        "Be osquery's shell, so that scripts for osqueryi run: its flags, formats, commands and exit statuses. The word stands "
        "first, and all behind it is its own: sqlports osqueryi --help tells its flags. alias osqueryi='sqlports osqueryi' "
        "takes osqueryi's place.",
    ),
    "registry": Command(
        "sqlports.ports.update",
        "[update FILE.csv|forget]",
        "Tell which list of assigned ports is used. update takes IANA's own file instead, from standard input where FILE is -; "
        "forget ends that.",
    ),
    "config": Command(
        "sqlports.commands.config",
        "[example]",
        "Tell the settings and where each is from. example prints a configuration file to begin with.",
    ),
    "completion": Command(
        "sqlports.commands.completion",
        "bash|zsh|fish",
        "Print a script by which that shell completes sqlports' command line. Its first lines say how it is installed.",
    ),
    "man": Command("sqlports.commands.man", "", "Print the manual page. sqlports man | man -l - shows it."),
    "help": Command("sqlports.commands.usage", "[COMMAND|QUERY]", "Tell how sqlports, a command or a named query is used."),
}
