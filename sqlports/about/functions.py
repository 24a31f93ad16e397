"""The functions of SQL: how each is called, and what it gives. Of SQLite's own, https://sqlite.org/lang_corefunc.html tells."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from sqlports.functions import collations, declared


class Function(NamedTuple):
    """A function of SQL.

    name       as it is called
    arguments  what it takes, as its manual would write it: `text, start [, length]`; what is in brackets may be left out
    kind       'text', 'number', 'time', 'json', 'value', 'sqlite', one of sqlports/functions; 'aggregate', 'window', and 'rows'
               for what stands after FROM
    doc        what it gives
    """

    name: str
    arguments: str
    kind: str
    doc: str

    @property
    def signature(self) -> str:
        """How it is called: `substr(text, start [, length])`."""
        return f"{self.name}({self.arguments})"

    @property
    def arity(self) -> tuple[int, int | None]:
        """The fewest and the most arguments that it takes; None for any number."""
        needed = re.sub(r"\[.*\]", "", self.arguments).strip()
        least = needed.count(",") + 1 if needed else 0
        if "…" in self.arguments:
            return least, None
        return least, self.arguments.count(",") + 1 if self.arguments else 0


@cache
def functions() -> tuple[Function, ...]:
    """All functions, those of a kind together."""
    found = []
    kind = ""
    for line in _FUNCTIONS.strip().splitlines():
        if line.endswith(":"):
            kind = line[:-1]
        else:
            signature, doc = line.split(" : ")
            name, _, arguments = signature.strip().removesuffix(")").partition("(")
            found.append(Function(name, arguments, kind, doc.strip()))
    found += [Function(one.name, one.arguments, one.kind, one.doc) for one in declared()]
    kinds = list(dict.fromkeys(one.kind for one in found))
    return tuple(sorted(found, key=lambda one: kinds.index(one.kind)))


@cache
def orders() -> tuple[Function, ...]:
    """All collations: what a text is compared by with COLLATE behind it."""
    told = (line.split(" : ") for line in _COLLATIONS.strip().splitlines())
    return (
        *(Function(name, "", "collation", doc) for name, doc in told),
        *(Function(one.name, "", one.kind, one.doc) for one in collations()),
    )


_COLLATIONS = """
BINARY : Texts by their bytes, as without COLLATE.
NOCASE : Texts with the letters A to Z as a to z.
RTRIM : Texts without the spaces at their ends.
"""


_FUNCTIONS = """
text:
char([code, …]) : The text of these Unicode code points.
concat(value [, …]) : The values as one text; NULL counts as empty.
concat_ws(separator, value [, …]) : The values that are not NULL as one text, with the separator between them.
format(format [, …]) : Text after a pattern as C's printf() has it: %d, %s, %.1f, %,d with thousands apart.
glob(pattern, text) : 1 where the text fits the pattern of *, ? and [...]; the same as text GLOB pattern.
hex(blob) : The bytes in hexadecimal digits.
instr(text, part) : Where the part begins, counted from 1; 0 when it is not there.
length(text) : How many characters a text has, or bytes a blob.
like(pattern, text [, escape]) : 1 where the text fits the pattern of % and _; the same as text LIKE pattern.
lower(text) : The text with the letters A to Z small.
ltrim(text [, characters]) : The text without spaces, or without these characters, at its beginning.
octet_length(text) : How many bytes a text takes.
printf(format [, …]) : The same as format().
quote(value) : The value as SQL writes it: a text in quotes, NULL, x'00ff'.
replace(text, part, new) : The text with each such part replaced.
rtrim(text [, characters]) : The text without spaces, or without these characters, at its end.
substr(text, start [, length]) : A piece of the text, counted from 1, or from the end when start is negative.
substring(text, start [, length]) : The same as substr().
trim(text [, characters]) : The text without spaces, or without these characters, at both ends.
unhex(text [, ignored]) : The bytes that hexadecimal digits stand for; NULL when anything else is among them.
unicode(text) : The code point of the first character.
unistr(text) : The text with \\uXXXX read as the character it stands for.
unistr_quote(value) : As quote(), with control characters written out.
upper(text) : The text with the letters a to z capital.
number:
abs(number) : The number without its sign.
acos(x) : Arc cosine, in radians.
acosh(x) : Inverse hyperbolic cosine.
asin(x) : Arc sine, in radians.
asinh(x) : Inverse hyperbolic sine.
atan(x) : Arc tangent, in radians.
atan2(y, x) : The angle of the point (x, y), in radians.
atanh(x) : Inverse hyperbolic tangent.
ceil(x) : The next whole number from x upwards.
ceiling(x) : The same as ceil().
cos(x) : Cosine of an angle in radians.
cosh(x) : Hyperbolic cosine.
degrees(radians) : An angle in degrees.
exp(x) : e to the power of x.
floor(x) : The next whole number from x downwards.
ln(x) : Natural logarithm.
log([base,] x) : Logarithm to that base, else to 10.
log10(x) : Logarithm to the base 10.
log2(x) : Logarithm to the base 2.
max(a, b [, …]) : The greatest of the values; with one argument an aggregate.
min(a, b [, …]) : The least of the values; with one argument an aggregate.
mod(x, y) : What is left of x divided by y, fractions too.
pi() : 3.14159…
pow(x, y) : x to the power of y.
power(x, y) : The same as pow().
radians(degrees) : An angle in radians.
random() : A random integer of 64 bits.
round(x [, digits]) : The number with so many digits behind the point, none by default.
sign(x) : -1, 0 or 1: the sign of a number.
sin(x) : Sine of an angle in radians.
sinh(x) : Hyperbolic sine.
sqrt(x) : Square root.
tan(x) : Tangent of an angle in radians.
tanh(x) : Hyperbolic tangent.
trunc(x) : The number without what is behind the point.
time:
date([time, modifier, …]) : The day as 2026-01-31. Seconds since 1970 are read with the modifier 'unixepoch'.
datetime([time, modifier, …]) : Day and time as 2026-01-31 23:59:59, in UTC unless modified by 'localtime'.
julianday([time, modifier, …]) : The time in days, fractions too, since noon of 24 November 4714 BC.
strftime(format [, time, modifier, …]) : The time after a pattern: %Y-%m-%d %H:%M:%S, %s for seconds since 1970.
time([time, modifier, …]) : The time of day as 23:59:59.
timediff(later, earlier) : What lies between two times as +YYYY-MM-DD HH:MM:SS.SSS.
unixepoch([time, modifier, …]) : The time in seconds since 1970; without arguments, now.
json:
json(text) : The JSON, checked and without spaces.
json_array([value, …]) : A JSON array of the values.
json_array_insert(json [, path, value, …]) : The JSON with values put into its arrays at these places.
json_array_length(json [, path]) : How many elements the array has.
json_error_position(text) : Where the text stops being JSON, counted from 1; 0 when it is right.
json_extract(json, path [, …]) : The value at a path such as '$.limits[0].soft'; several as an array. -> and ->> do so too.
json_insert(json [, path, value, …]) : The JSON with what is not there yet.
json_object([label, value, …]) : A JSON object of the labels and values.
json_patch(json, patch) : The JSON merged with another (RFC 7396).
json_pretty(json [, indent]) : The JSON over several lines, for people.
json_quote(value) : A number or text as JSON.
json_remove(json [, path, …]) : The JSON without what is at these paths.
json_replace(json [, path, value, …]) : The JSON with what is there already replaced.
json_set(json [, path, value, …]) : The JSON with values at these paths, there before or not.
json_type(json [, path]) : 'object', 'array', 'text', 'integer', 'real', 'true', 'false', 'null'; NULL where nothing is.
json_valid(text [, flags]) : 1 for well-formed JSON, else 0.
jsonb(text) : The JSON in SQLite's binary form, as all of jsonb_….
jsonb_array([value, …]) : As json_array().
jsonb_array_insert(json [, path, value, …]) : As json_array_insert().
jsonb_extract(json, path [, …]) : As json_extract().
jsonb_insert(json [, path, value, …]) : As json_insert().
jsonb_object([label, value, …]) : As json_object().
jsonb_patch(json, patch) : As json_patch().
jsonb_remove(json [, path, …]) : As json_remove().
jsonb_replace(json [, path, value, …]) : As json_replace().
jsonb_set(json [, path, value, …]) : As json_set().
value:
coalesce(a, b [, …]) : The first of the values that is not NULL.
if(condition, yes [, no, …]) : The same as iif().
ifnull(a, b) : a, or b where a is NULL.
iif(condition, yes [, no, …]) : The value behind the first condition that holds, else the last one.
likelihood(condition, share) : The condition; tells the planner for which share of rows it holds.
likely(condition) : The condition; tells the planner that it mostly holds.
nullif(a, b) : a, or NULL where both are equal.
randomblob(bytes) : So many random bytes.
subtype(value) : The mark that a function left on its value: 74 on JSON.
typeof(value) : 'integer', 'real', 'text', 'blob' or 'null'.
unlikely(condition) : The condition; tells the planner that it mostly fails.
zeroblob(bytes) : So many zero bytes.
sqlite:
changes() : How many rows the last statement that wrote has changed.
last_insert_rowid() : The row number that the last INSERT gave.
sqlite_compileoption_get(number) : The option of that number which SQLite was compiled with.
sqlite_compileoption_used(name) : 1 when SQLite was compiled with that option.
sqlite_log(code, message) : Writes to SQLite's error log.
sqlite_source_id() : The commit that SQLite was built from.
sqlite_version() : The version of SQLite.
total_changes() : How many rows were changed since the connection began.
aggregate:
avg(number) : The mean of those that are not NULL.
count([value]) : How many rows, as count(*), or how many of them where the value is not NULL.
group_concat(text [, separator]) : All the texts as one, with a comma or the separator between them.
json_group_array(value) : All the values as a JSON array.
json_group_object(label, value) : All the labels and values as a JSON object.
jsonb_group_array(value) : As json_group_array().
jsonb_group_object(label, value) : As json_group_object().
max(value) : The greatest; other columns of the row are then of the row that has it.
median(number) : The middle one.
min(value) : The least; other columns of the row are then of the row that has it.
percentile(number, percent) : The number below which so many percent are, 0 to 100, between two where needed.
percentile_cont(number, share) : As percentile(), with a share from 0 to 1.
percentile_disc(number, share) : As percentile_cont(), and always one of the numbers.
string_agg(text, separator) : The same as group_concat() with a separator.
sum(number) : The sum; NULL of no rows.
total(number) : The sum as a REAL; 0.0 of no rows.
window:
cume_dist() : The share of rows up to this one and its equals.
dense_rank() : The place of the row, equals on the same, without gaps.
first_value(value) : The value of the window's first row.
lag(value [, rows, default]) : The value of the row before this one, or of so many before.
last_value(value) : The value of the window's last row.
lead(value [, rows, default]) : The value of the row after this one, or of so many after.
nth_value(value, n) : The value of the window's row of that number.
ntile(n) : The number of the part, from 1, when the rows are dealt into n parts.
percent_rank() : The place of the row as a share from 0 to 1.
rank() : The place of the row, equals on the same, with gaps behind them.
row_number() : The number of the row, from 1.
rows:
json_each(json [, path]) : A row for each element of an array or object: key, value, type, …
json_tree(json [, path]) : A row for each element at any depth.
"""
