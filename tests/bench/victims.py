"""A Go process with many goroutines, and another one that keeps asking it: victim/main.go, built when it is needed."""

import json
import os
import signal
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from bot.lab.toolchain import build_environment, find_go

SOURCE = Path(__file__).parent / "victim"
BEGUN_TOOK = struct.Struct("<qq")
NS = 1e9
TICKS = os.sysconf("SC_CLK_TCK")


def build(folder: Path) -> Path:
    """Compile the program into a folder; give where it is."""
    program = folder / "victim"
    command = [str(find_go()), "build", "-o", str(program), "."]
    subprocess.run(command, cwd=SOURCE, env=build_environment(), check=True)
    return program


@dataclass(frozen=True)
class Victim:
    """A victim that runs."""

    url: str
    pid: int

    def worked_s(self) -> float:
        """Tell how much CPU time it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def stops(self) -> dict[float, int]:
        """Tell how often its runtime has stopped the world so far, by seconds (the lower end of a bucket)."""
        found: dict[float, int] = {}
        for each in httpx.get(f"{self.url}/stops", timeout=60).json():
            found[each["seconds"]] = found.get(each["seconds"], 0) + each["count"]
        return found


@dataclass(frozen=True)
class Asked:
    """When each request began, and how long it took, in seconds since the epoch and seconds."""

    begun_took: tuple[tuple[float, float], ...]

    def during(self, start: float, end: float) -> list[float]:
        """Give how long the requests took that were under way in a stretch of time."""
        return [took for begun, took in self.begun_took if begun < end and begun + took > start]


def begin(command: list[str], out: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a program that runs before everything else of this machine, where that is allowed.

    The kernel shares time between sessions first (sched(7), autogroup). Real-time scheduling would not do: threads
    of one process wait for each other then, as they never do where it runs.
    """
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, start_new_session=True)
    with suppress(OSError):
        Path(f"/proc/{process.pid}/autogroup").write_text("-20")
    return process


@contextmanager
def running_victim(program: Path, goroutines: int) -> Iterator[Victim]:
    """Start a victim, and end it."""
    command = [str(program), "-goroutines", str(goroutines)]
    with begin(command, subprocess.PIPE) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield Victim(told["url"], told["pid"])
        process.send_signal(signal.SIGKILL)  # it need not tear hundreds of thousands of stacks down


class Probe:
    """Asks a victim each millisecond from its beginning to its end."""

    def __init__(self, program: Path, victim: Victim) -> None:
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        command = [str(program), "-probe", f"{victim.url}/"]
        self._process = begin(command, self._out)

    def end(self) -> Asked:
        """Stop asking; give what was found."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._out.seek(0)
        content = self._out.read()
        self._out.close()
        return Asked(tuple((begun / NS, took / NS) for begun, took in BEGUN_TOOK.iter_unpack(content)))
