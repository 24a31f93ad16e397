"""What is secret in a command line or an environment, by its name or by its shape, and how it is shown: as ****.

What it costs grows with the length of a text and no faster, whoever wrote it: a pattern never looks twice at what it passed by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

MASK = "****"

# Where it begins and ends in the text.
Span = tuple[int, int]

_SECRET = re.compile(
    r"(?:pass(?:word|wd|phrase|code)|secret|token|credentials?|setcookie"
    r"|(?:api|private|secret|access|encryption|master|signing|auth|account|shared|storage|admin)key)$"
)
_PASS = re.compile(r"(?<!^by)(?<!com)(?<!ask)(?<!tres)(?<!sur)pass$")
# Directories have this name, too.
_PLACES = re.compile(r"(?:old|init|initial|last|prev|previous|start|orig|original)$")
# What is said of a secret, or where it is found: not the secret.
_ABOUT = re.compile(
    r"age|algorithm|arn|auth|authentication|bytes|cache|callback|changes|check|class|cmd|command|count|days|dir"
    r"|directory|disabled|duration|enabled|endpoint|env|expiration|expires|expiry|fd|field|file|filename|files|format"
    r"|header|helper|hint|host|id|interval|issuer|label|length|lifetime|limit|location|manager|max|method|min|minutes"
    r"|mode|name|names|only|path|paths|pattern|plugin|policy|port|prompt|provider|ref|regex|request|required|reset"
    r"|retries|rotation|scope|scopes|seconds|server|service|size|sock|socket|source|stdin|store|template|timeout"
    r"|title|ttl|type|uri|url|usage|user|username|validity|version"
)
_WITHOUT = re.compile(
    r"allow|ask|change|disable|enable|generate|has|hide|import|load|no|prompt|require|reset|show|skip|use|validate|verify|without"
)
# A handle of the desktop or of Chrome's processes, and the name of a file.
_OTHERS = frozenset(("xdgactivationtoken", "servicerequestchanneltoken", "googleapplicationcredentials"))


@lru_cache(4096)
def is_secret(name: str) -> bool:
    """Whether the value of this name is one."""
    # The longest that people use are half as long.
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[-200:]).lower())
    words = [word for word in (word.rstrip("0123456789") for word in words) if word]
    if not words or _ABOUT.fullmatch(words[-1]) or _WITHOUT.fullmatch(words[0]) or "".join(words) in _OTHERS:
        return False
    for i, word in enumerate(words):
        before = words[i - 1] if i else ""
        if _SECRET.search(word) or _PASS.search(word) or (word == "key" and _SECRET.fullmatch(before + word)):
            return True
        if word in ("pwd", "dbpwd") and not (word == "pwd" and (not before or _PLACES.match(before))):
            return True
    return False


# What stands for a secret, or says where it is.
_STANDS_FOR = re.compile(
    r"\*+|\.+|-|[xX]{3,}|\$\w+|\$\{.*|\$\(.*|`.*|<.*>|\{\{.*|%\w|%[({]\w+[)}]s?|\[?(?:redacted|masked|hidden)\]?"
    r"|true|false|yes|no|on|off|none|null|nil|undefined|0|1|(?:env|file|fd|stdin)(?::.*)?|(?:id|type|src|source)=.*"
    r"|@?(?:~|\.{1,2}|/(?:etc|var|run|home|root|opt|usr|tmp|srv|mnt|proc|dev|data|snap|certs?|secrets?))/.*",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = r'"(?:[^"\\\0]|\\[^\0])*+"(?=[\s\0,;&)}\]]|$)' + r"|'(?:[^'\\\0]|\\[^\0])*+'(?=[\s\0,;&)}\]]|$)"
# A value in a command line, and one in arguments that are kept apart.
FLAT = re.compile(rf"{_QUOTED}|[^\s\0]+")
APART = re.compile(rf"{_QUOTED}|[^\0]+")
_WORD = re.compile(r"[^\s\0]+")
# NAME=value, "name": "value", Name: value, --name value; of the last the dashes tell that it takes one.
_PAIR = re.compile(
    r"""(?<![\w.$/-])(?P<dashes>-{0,2}+)(?P<name>[\w.-]++)
    (?: = | (?:\\?["'])? \s*+ [:=] (?: \s++ | (?=\\?["']) ) | (?P<apart> [\s\0]++ ) )""",
    re.VERBOSE,
)
_AUTHORIZATION = re.compile(
    r"(?<![\w-])(?:authorization[\"']?\s*+[:=]\s*+[\"']?"
    r"(?:(?:bearer|basic|token|digest|negotiate|apikey)\s++)?|bearer\s++(?=[\w.~+/-]{12}))",
    re.IGNORECASE,
)
_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_URL = re.compile(r"://[^\s\0:/@\"'\[]*+:(?!\d+[/?#])(?P<secret>[^\s\0/\"'?#]+|[^\s\0@]{1,256})@")
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])|gh[pousr]_[A-Za-z0-9]{20,}+|github_pat_\w{20,}+"
    r"|xox[abceoprs]-[\w-]{10,}+|xapp-[\w-]{10,}+|glpat-[\w-]{16,}+|[sr]k_live_\w{16,}+|sk-(?:ant|proj)-[\w-]{16,}+|AIza[\w-]{35}"
    r"|npm_[A-Za-z0-9]{36}|hvs\.[\w-]{20,}+|SG\.[\w-]{16,}+\.[\w-]{16,}+|dop_v1_[0-9a-f]{64}"
    r"|(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{4,}+(?:\.[\w-]*+)?)"
)

_PORTS = re.compile(r"[\d.:]*\d:\d+(?:/\w+)?")
_LOGGING_IN = ("docker", "podman", "nerdctl", "buildah", "helm", "oras", "az")
# How programs take a secret by a letter, alone before it or joined with it; what stands before it in the value is no secret.
_OPTIONS = tuple(
    (re.compile(programs), re.compile(options, re.DOTALL), before)
    for programs, options, before in (
        (r"(?:mysql|mariadb)(?!d$|d[_-](?:safe|multi))[\w-]*", r"-p(.+)", ""),
        (rf"sshpass|mongo(?:sh|dump|restore|export|import|stat|top)?|(?:{'|'.join(_LOGGING_IN)}) login", r"-p(.+)?", ""),
        (r"redis-cli|valkey-cli|keydb-cli", "-a()?", ""),
        (r"ldap(?:search|add|modify|delete|whoami|passwd|compare)", r"-w(.+)?", ""),
        (r"zip|unzip|ipmitool", r"-P(.+)?", ""),
        (r"7z[ar]?|rar|unrar", r"-p(.+)", ""),
        (r"plink|pscp|psftp|putty", r"-pw()?", ""),
        (r"openssl", r"pass:(.+)", ""),
        (r"xfreerdp|wlfreerdp", r"/p:(.+)", ""),
        (r"curl", r"(?:-[#0-9afgijkLlMnNOpqRsSvVZIG]*[uU]|--(?:proxy-)?user=?)(.+)?", ":"),
        (r"smbclient|rpcclient", r"(?:-U|--user=?)(.+)?", "%"),
        (r"lftp", r"-u(.+)?", ","),
    )
)


def masked(text: str, values: re.Pattern[str]) -> str | None:
    """The text with each secret as ****, None where there is none; `values` is FLAT or APART."""
    found = sorted(span for look in (_pairs, _options, _headers, _keys, _shapes) for span in look(text, values))
    if not found:
        return None
    parts: list[str] = []
    done = 0
    for start, end in found:
        if start > done or not parts:
            parts += [text[done:start], MASK]
        done = max(done, end)
    return "".join([*parts, text[done:]])


def _value(text: str, start: int, values: re.Pattern[str]) -> tuple[Span | None, int]:
    """The secret that begins here, without quotes, or None where nothing or no secret does; and where to go on."""
    word = _WORD.match(text, start)
    if not word:
        return None, start
    if word.end() - start < 1000 and _STANDS_FOR.fullmatch(word[0].strip("\"'")):
        return None, word.end()
    whole = values.match(text, start)
    first, end = whole.span() if whole else word.span()
    if text[first] in "\"'" and end - first > 1 and text[end - 1] == text[first]:
        inner = text[first + 1 : end - 1]
        return None if not inner or (len(inner) < 1000 and _STANDS_FOR.fullmatch(inner)) else (first + 1, end - 1), end
    return (first, end), end


def _pairs(text: str, values: re.Pattern[str]) -> Iterator[Span]:
    """The values that have the name of a secret."""
    at = 0
    while pair := _PAIR.search(text, at):
        at = pair.end()
        if (pair["apart"] and (not pair["dashes"] or text.startswith("-", at))) or not is_secret(pair["name"]):
            continue
        found, at = _value(text, at, values)
        if found:
            yield found


def _options(text: str, values: re.Pattern[str]) -> Iterator[Span]:
    """The values that a program takes by a letter."""
    current, options, before, wanted, done = "", None, "", False, 0
    for word in _WORD.finditer(text):
        start, end = word.span()
        if start < done:
            continue
        found = None
        base = word[0].rpartition("/")[2].strip("\"'`(") if end - start < 200 else ""
        if wanted and text[start] != "-":
            found, wanted = _behind(text, start, before, values), False
        elif known := _known(f"{current} login" if base == "login" else base):
            current, (options, before), wanted = base, known, False
        elif base in _LOGGING_IN:
            current, options, wanted = base, None, False
        else:
            taken = options.fullmatch(word[0][:2000]) if options else None
            wanted = bool(taken and not taken[1])
            if taken and taken[1] and not _PORTS.fullmatch(taken[1]):
                found = _behind(text, start + taken.start(1), before, values)
        if found:
            done = found[1]
            yield found


@lru_cache(1024)
def _known(name: str) -> tuple[re.Pattern[str], str] | None:
    for programs, options, before in _OPTIONS:
        if programs.fullmatch(name):
            return options, before
    return None


def _behind(text: str, start: int, before: str, values: re.Pattern[str]) -> Span | None:
    """The secret of a value that begins here: all of it, or what stands behind a sign."""
    if not before:
        return _value(text, start, values)[0]
    sign = text.find(before, start, start + 256)
    if sign < 0 or re.search(r"\0" if values is APART or text[start] in "\"'" else r"[\s\0]", text[start:sign]):
        return None
    found, _ = _value(text, sign + 1, values)
    if found and text[start] in "\"'" and (whole := values.match(text, start)):
        return found[0], max(found[1], whole.end())
    return found


def _headers(text: str, values: re.Pattern[str]) -> Iterator[Span]:
    """What a request of HTTP proves its right with."""
    at = 0
    while header := _AUTHORIZATION.search(text, at):
        found, at = _value(text, header.end(), values)
        if found:
            yield found


def _keys(text: str, _: re.Pattern[str]) -> Iterator[Span]:
    """Private keys: to their end, or to that of the text or argument."""
    at = 0
    while key := _KEY.search(text, at):
        stop = text.find("\0", key.end())
        stop = len(text) if stop < 0 else stop
        end = text.find("-----END", key.end(), stop)
        last = text.find("-----", end + 8, stop) if end >= 0 else -1
        at = last + 5 if last >= 0 else stop
        yield key.start(), at


def _shapes(text: str, _: re.Pattern[str]) -> Iterator[Span]:
    """What is known by its shape: keys of services, and passwords in URLs."""
    for shape in _SHAPES.finditer(text):
        yield shape.span()
    for url in _URL.finditer(text):
        if not _STANDS_FOR.fullmatch(url["secret"]):
            yield url.span("secret")
