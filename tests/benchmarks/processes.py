"""What a process costs, as the kernel counts it: CPU time and resident memory.

Source: proc(5), `/proc/<pid>/stat` and `/proc/<pid>/status`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _OWN, _WAITED = 1, slice(11, 13), slice(13, 15)  # places behind the name of the program
_PROC = Path("/proc")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, user and system, of all its threads; steps of 10 ms as a rule."""
    return sum(map(int, _stat(_PROC / str(pid))[_OWN])) / _TICKS


def cpu_clock(pid: int) -> int:
    """Return the CPU time of a process of this user or any other, in ns: fine enough for a single request.

    Source: clock_getcpuclockid(3), as Linux numbers such clocks. Raises: ProcessLookupError when it has ended.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError as error:
        raise ProcessLookupError(f"process {pid} has ended") from error


def children(pid: int) -> list[int]:
    """Return the processes that a process has begun and that live."""
    found = []
    for folder in _PROC.glob("[0-9]*"):
        try:
            stat = _stat(folder)
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended between the listing and the look
        if int(stat[_PARENT]) == pid:
            found.append(int(folder.name))
    return found


def family_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, of its children that live, and of those it has waited for."""
    own = _stat(_PROC / str(pid))
    ticks = sum(map(int, own[_OWN])) + sum(map(int, own[_WAITED]))
    for folder in _PROC.glob("[0-9]*"):
        try:
            stat = _stat(folder)
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended between the listing and the look
        if int(stat[_PARENT]) == pid:
            ticks += sum(map(int, stat[_OWN]))
    return ticks / _TICKS


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process now, in MB (10^6 bytes)."""
    return _memory(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """Return the most resident memory that a process has had, in MB."""
    return _memory(pid, "VmHWM")


def _memory(pid: int, name: str) -> float:
    for line in (_PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(f"process {pid} has no memory: it has ended")


def _stat(folder: Path) -> list[str]:
    # The program's name is in brackets and may hold blanks and brackets.
    return (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
