"""kernel_modules: the modules of the kernel that are loaded. Columns and words follow osquery."""

from __future__ import annotations

from sqlports.schema import BIGINT, Column, table
from sqlports.sources import kernel
from sqlports.sources.kernel_files import Module
from sqlports.sources.snapshot import Snapshot


@table(
    Column("name", str, "name", "Name."),
    Column("size", BIGINT, "size", "Size in memory, in bytes."),
    Column("used_by", str, "used_by", "Modules that use it, each with a comma behind but the last; '-' for none."),
    Column("status", str, "status", "'Live', 'Loading' or 'Unloading'.", choices=("Live", "Loading", "Unloading")),
    Column("address", str, "address", "Where it is in memory, hexadecimal; NULL where the kernel hides that (kptr_restrict)."),
    osquery="address",
    rows=100,
    examples=("SELECT name, size, used_by FROM kernel_modules WHERE used_by <> '-'",),
)
def kernel_modules(system: Snapshot) -> list[Module]:
    """Loaded modules, one row each. A kernel without modules has none; scan_errors tells so."""
    return kernel.modules(system)
