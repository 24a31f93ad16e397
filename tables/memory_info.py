"""memory_info: the memory of the machine. Columns and words follow osquery."""

from __future__ import annotations

from sqlports.schema import BIGINT, Column, table
from sqlports.sources import kernel
from sqlports.sources.kernel_files import Memory
from sqlports.sources.snapshot import Snapshot


@table(
    Column("memory_total", BIGINT, "memory_total", "RAM that the kernel manages, in bytes."),
    Column("memory_free", BIGINT, "memory_free", "Memory that nothing uses, in bytes."),
    Column("memory_available", BIGINT, "memory_available", "Memory that programs could get without swapping, in bytes."),
    Column("buffers", BIGINT, "buffers", "Buffers of block devices, in bytes."),
    Column("cached", BIGINT, "cached", "File contents kept in memory, without swap_cached, in bytes."),
    Column("swap_cached", BIGINT, "swap_cached", "Memory that is in swap as well, in bytes."),
    Column("active", BIGINT, "active", "Memory used of late, in bytes."),
    Column("inactive", BIGINT, "inactive", "Memory not used of late, in bytes."),
    Column("swap_total", BIGINT, "swap_total", "Swap space, in bytes."),
    Column("swap_free", BIGINT, "swap_free", "Swap space that nothing uses, in bytes."),
    osquery="swap_free",
    rows=1,
    examples=("SELECT round(100.0 * memory_available / memory_total) AS percent_available FROM memory_info",),
)
def memory_info(system: Snapshot) -> list[Memory]:
    """What the kernel says of its memory, one row."""
    return kernel.memory(system)
