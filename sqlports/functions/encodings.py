"""Base64, and digests: of a blob's bytes, or of a text's in UTF-8, all of them."""

from __future__ import annotations

from sqlports.functions import Value, function


@function("encoding")
def to_base64(value: Value) -> str | None:
    """The bytes in Base64."""
    if value is None:
        return None
    from binascii import b2a_base64

    from sqlports.functions import values

    return b2a_base64(values.data(value), newline=False).decode()


@function("encoding")
def from_base64(text: Value) -> str | bytes | None:
    """The text that is written in Base64, a blob where it is none; '' for what is no Base64."""
    if text is None:
        return None
    from binascii import Error, a2b_base64

    from sqlports.functions import values

    # The padding may be missing, and lines may be broken.
    letters = values.data(text).translate(None, b" \t\r\n").rstrip(b"=")
    try:
        found = a2b_base64(letters + b"=" * (-len(letters) % 4), strict_mode=True)
    except Error:
        return ""
    try:
        return found.decode()
    except UnicodeDecodeError:
        return found


@function("encoding")
def conditional_to_base64(value: Value) -> str | None:
    """The text itself where it is printable ASCII, else in Base64."""
    if value is None:
        return None
    from sqlports.functions import values

    data = values.data(value)
    return data.decode() if data.isascii() and (not data or (min(data) >= 0x20 and max(data) <= 0x7E)) else to_base64(data)


@function("encoding")
def md5(value: Value) -> str | None:
    """The MD5 digest in hexadecimal digits."""
    return _digest("md5", value)


@function("encoding")
def sha1(value: Value) -> str | None:
    """The SHA-1 digest in hexadecimal digits."""
    return _digest("sha1", value)


@function("encoding")
def sha256(value: Value) -> str | None:
    """The SHA-256 digest in hexadecimal digits."""
    return _digest("sha256", value)


def _digest(algorithm: str, value: Value) -> str | None:
    if value is None:
        return None
    import hashlib

    from sqlports.functions import values

    return hashlib.new(algorithm, values.data(value), usedforsecurity=False).hexdigest()
