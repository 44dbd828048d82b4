"""How many cores this process may use, and how many of the machine's have nothing to do."""

import os
import time
from contextlib import suppress
from pathlib import Path

_QUOTA, _TIMES = Path("/sys/fs/cgroup/cpu.max"), Path("/proc/stat")
_IDLE = 4
"""The place of the time without work in the first line of /proc/stat (proc(5)), in clock ticks of all cores."""
_SHORTEST_S = 0.3


def available_cores() -> int:
    """Give the cores that the scheduler and the container's quota leave to this process, at least one."""
    cores = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        cores = min(cores, -(-int(quota) // int(period)))
    return max(1, cores)


class Idle:
    """Measures between two looks."""

    def __init__(self, times: Path = _TIMES) -> None:
        self._times = times
        self._tick_s = 1 / os.sysconf("SC_CLK_TCK")
        self._looked_at, self._idle_s = time.monotonic(), self._read_s()
        self._last = 0.0

    def cores(self) -> float:
        """Give how many cores had nothing to do since the last look; looks in quick succession tell the same."""
        now = time.monotonic()
        if now - self._looked_at >= _SHORTEST_S:
            idle_s = self._read_s()
            self._last = max(0.0, (idle_s - self._idle_s) / (now - self._looked_at))
            self._looked_at, self._idle_s = now, idle_s
        return self._last

    def _read_s(self) -> float:
        with suppress(OSError, ValueError, IndexError), self._times.open(encoding="ascii") as lines:
            return int(lines.readline().split()[_IDLE]) * self._tick_s
        return 0.0
