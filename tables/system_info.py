"""system_info: the machine. Columns and words follow osquery."""

from __future__ import annotations

from sqlports.schema import BIGINT, Column, table
from sqlports.sources import machine
from sqlports.sources.machine import Machine
from sqlports.sources.snapshot import Snapshot


@table(
    Column("hostname", str, "names.full", "Name of the host, with its domain where /etc/hosts has it."),
    Column("uuid", str, "uuid.value", "Number that the firmware gives the machine; root may read it.", collate="NOCASE"),
    Column("cpu_type", str, "architecture.value", "Kind of processor, as uname(2) has it: 'x86_64'."),
    Column("cpu_subtype", str, "cpu_subtype", "Its model number; '0' where the kernel tells none."),
    Column("cpu_brand", str, "cpus.brand", "Its name."),
    Column("cpu_physical_cores", int, "cpus.physical", "Number of cores."),
    Column("cpu_logical_cores", int, "cpus.logical", "Number of processors that the kernel schedules on."),
    Column("cpu_sockets", int, "cpus.sockets", "Number of packages; NULL where the kernel does not tell."),
    Column("cpu_microcode", str, "cpus.microcode", "Version of its microcode."),
    Column("physical_memory", BIGINT, "memory", "RAM that the kernel manages, in bytes."),
    Column("hardware_vendor", str, "firmware.vendor", "Maker of the machine."),
    Column("hardware_model", str, "firmware.model", "Its model."),
    Column("hardware_version", str, "firmware.version", "Its version."),
    Column("hardware_serial", str, "serial.value", "Its serial number; root may read it."),
    Column("board_vendor", str, "firmware.board_vendor", "Maker of its board."),
    Column("board_model", str, "firmware.board_model", "Model of the board."),
    Column("board_version", str, "firmware.board_version", "Version of the board."),
    Column("board_serial", str, "board_serial.value", "Serial number of the board; root may read it."),
    Column("computer_name", str, "names.host", "Name of the host, without its domain."),
    Column("local_hostname", str, "names.host", "The same."),
    Column("emulated_cpu_type", str, None, "macOS only; NULL here.", hidden=True),
    osquery="local_hostname",
    rows=1,
    examples=("SELECT hostname, cpu_brand, cpu_logical_cores, physical_memory FROM system_info",),
)
def system_info(system: Snapshot) -> list[Machine]:
    """The machine, one row. What its firmware does not tell is ''."""
    return machine.machine(system)
