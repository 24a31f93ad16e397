"""Secrets in command lines and environments: found, and kept from being seen."""

from __future__ import annotations

from sqlports.functions import Value, function


@function("secret")
def mask_secrets(text: Value) -> str | None:
    """The text with each secret in it as ****, NULL where there is none; argv, a JSON array, is taken argument by argument.

    A secret of several words is masked as a whole only there: a command line does not tell where an argument ends.
    """
    if not isinstance(text, str):
        return None
    from sqlports.functions.masking import APART, FLAT, masked

    arguments = _arguments(text)
    if arguments is None:
        return masked(text, FLAT)
    shown = masked("\0".join(arguments), APART)
    if shown is None:
        return None
    import json

    # Half a surrogate pair is no text, and stays as it was written.
    return json.dumps(shown.split("\0"), ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


@function("secret")
def is_secret_name(name: Value) -> int | None:
    """1 for a name whose value is a secret ('DB_PASSWORD', 'api-key'), 0 for another ('PWD', 'TOKEN_FILE'), NULL for none."""
    if not isinstance(name, str):
        return None
    from sqlports.functions.masking import is_secret

    return int(is_secret(name))


def _arguments(text: str) -> list[str] | None:
    """The elements of a JSON array of texts; None of anything else."""
    if not text.startswith("["):
        return None
    import json

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if found and all(isinstance(one, str) for one in found) else None
