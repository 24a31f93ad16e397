"""kernel_info: the running kernel. Columns and words follow osquery."""

from __future__ import annotations

from sqlports.schema import Column, table
from sqlports.sources import kernel
from sqlports.sources.kernel_files import Kernel
from sqlports.sources.snapshot import Snapshot


@table(
    Column("version", str, "version", "Release of the running kernel.", collate="VERSION"),
    Column("arguments", str, "arguments", "Arguments it was booted with, but those of the next two columns."),
    Column("path", str, "path", "Kernel image (BOOT_IMAGE=); '' where the boot loader did not say."),
    Column("device", str, "device", "Root device (root=); '' where it was not given."),
    osquery="device",
    rows=1,
    examples=("SELECT version, arguments FROM kernel_info",),
)
def kernel_info(system: Snapshot) -> list[Kernel]:
    """The running kernel, one row."""
    return kernel.kernel(system)
