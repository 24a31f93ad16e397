"""Mathematics as osquery has it: log() is the natural logarithm, ceil() and floor() give integers, no value is an error.

A text that is no number is 0, as anywhere in SQL. pi() is the same as SQLite's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from sqlports.errors import QueryError
from sqlports.functions import Value, function


def _real(name: str, act: Callable[..., float], *arguments: Value) -> float | None:
    """What C's function gives; NULL for a NULL. Raises QueryError for what it has no value for, or none that is finite."""
    if any(argument is None for argument in arguments):
        return None
    from sqlports.functions import values

    numbers = [values.number(argument) for argument in arguments]
    try:
        return act(*numbers)
    except ValueError:
        raise QueryError(f"{name}: Numerical argument out of domain") from None
    except (OverflowError, ZeroDivisionError):
        raise QueryError(f"{name}: Numerical result out of range") from None


def _integer(x: Value, act: Callable[[float], int]) -> int | None:
    if x is None or isinstance(x, int):
        return x
    from sqlports.functions import values

    number = values.number(x)
    return act(number) if math.isfinite(number) and abs(number) < 1 << 63 else values.whole(number)


@function("number")
def sqrt(x: Value) -> float | None:
    """Square root; of a negative number an error."""
    return _real("sqrt", math.sqrt, x)


@function("number")
def acos(x: Value) -> float | None:
    """Arc cosine, in radians; outside of -1 to 1 an error."""
    return _real("acos", math.acos, x)


@function("number")
def asin(x: Value) -> float | None:
    """Arc sine, in radians; outside of -1 to 1 an error."""
    return _real("asin", math.asin, x)


@function("number")
def atan(x: Value) -> float | None:
    """Arc tangent, in radians."""
    return _real("atan", math.atan, x)


@function("number")
def cos(x: Value) -> float | None:
    """Cosine of an angle in radians."""
    return _real("cos", math.cos, x)


@function("number")
def sin(x: Value) -> float | None:
    """Sine of an angle in radians."""
    return _real("sin", math.sin, x)


@function("number")
def tan(x: Value) -> float | None:
    """Tangent of an angle in radians."""
    return _real("tan", math.tan, x)


@function("number")
def exp(x: Value) -> float | None:
    """e to the power of x."""
    return _real("exp", math.exp, x)


@function("number")
def log(x: Value) -> float | None:
    """Natural logarithm; of 0 and less an error."""
    return _real("log", math.log, x)


@function("number")
def log10(x: Value) -> float | None:
    """Logarithm to the base 10; of 0 and less an error."""
    return _real("log10", math.log10, x)


@function("number")
def power(x: Value, y: Value) -> float | None:
    """x to the power of y."""
    return _real("power", math.pow, x, y)


@function("number")
def degrees(radians: Value) -> float | None:
    """An angle in degrees."""
    return _real("degrees", math.degrees, radians)


@function("number")
def radians(degrees: Value) -> float | None:
    """An angle in radians."""
    return _real("radians", math.radians, degrees)


@function("number")
def ceil(x: Value) -> int | None:
    """The next integer from x upwards."""
    return _integer(x, math.ceil)


@function("number")
def floor(x: Value) -> int | None:
    """The next integer from x downwards."""
    return _integer(x, math.floor)
