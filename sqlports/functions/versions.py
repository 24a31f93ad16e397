"""Versions of software in their order: of any kind, or as a package manager has it."""

from __future__ import annotations

from sqlports.errors import QueryError
from sqlports.functions import Value, collation, function

_FLAVOURS = ("", "ARCH", "DPKG", "RHEL")


@function("version")
def version_compare(left: Value, right: Value, flavour: Value = "") -> int:
    """-1, 0 or 1: the left version is older, the same, newer. flavour is 'DPKG', 'RHEL' or 'ARCH' for what a package has."""
    if not (isinstance(left, str) and isinstance(right, str) and isinstance(flavour, str)):
        raise QueryError("version_compare: versions and flavour must be texts")
    if flavour.upper() not in _FLAVOURS:
        raise QueryError(f"version_compare: there is no flavour {flavour[:64]!r}", hint="there are ARCH, DPKG and RHEL")
    from sqlports.functions import ordering

    return ordering.compared(left, right, flavour.upper(), same_without_release=True)


@collation
def version(left: str, right: str) -> int:
    """Versions: 1.9 before 1.10, 1.0 before 1.0.1."""
    return _collated(left, right, "")


@collation
def version_arch(left: str, right: str) -> int:
    """Versions of Arch Linux's packages, as vercmp(8) has them."""
    return _collated(left, right, "ARCH")


@collation
def version_dpkg(left: str, right: str) -> int:
    """Versions of Debian's packages, as deb-version(7) has them."""
    return _collated(left, right, "DPKG")


@collation
def version_rhel(left: str, right: str) -> int:
    """Versions of RPM's packages, as rpm-version(7) has them."""
    return _collated(left, right, "RHEL")


def _collated(left: str, right: str, flavour: str) -> int:
    from sqlports.functions import ordering

    return ordering.compared(left, right, flavour)
