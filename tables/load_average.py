"""load_average: how busy the system is, over three periods. Columns and words follow osquery."""

from __future__ import annotations

from sqlports.schema import Column, table
from sqlports.sources import kernel
from sqlports.sources.kernel_files import Load
from sqlports.sources.snapshot import Snapshot


@table(
    Column("period", str, "period", "Over the last '1m', '5m' or '15m'.", choices=("1m", "5m", "15m")),
    Column("average", str, "average", "Average number of tasks that ran, waited to run or slept uninterruptibly, as a text."),
    osquery="average",
    rows=3,
    examples=("SELECT average FROM load_average WHERE period = '1m'",),
)
def load_average(system: Snapshot) -> list[Load]:
    """Load averages, one row for each period."""
    return kernel.load(system)
