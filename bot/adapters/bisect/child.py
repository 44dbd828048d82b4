"""A program that is not trusted, run as a child: bounded in time, output and memory, stopped at once when asked to."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_HEAD, _TAIL = 4_000_000, 500_000
_LOOK_S, _LAST_WORDS_S = 0.25, 0.5
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MOST_PROCESSES = 4_096
_BUSY = (b"R", b"D")
"""On a processor or about to be, or at a disk (man proc_pid_stat)."""


@dataclass(frozen=True)
class Bounds:
    """What a program may use with all that it starts: seconds, and memory in bytes; and it may be told to stop."""

    seconds: float
    memory: int
    stop: asyncio.Event


@dataclass(frozen=True)
class Seen:
    """What a program does with all that it has started: its resident memory in bytes, and whether it only waits."""

    memory: int
    waits: bool


@dataclass(frozen=True)
class Ran:
    """How it ended; `why` it was ended by us, "" when it ended by itself; `stopped`: because somebody asked.

    A code below 0 is the signal that ended it. `cpu_s` is what it and all that it started used of processors.
    """

    code: int
    said: bytes
    seconds: float
    cpu_s: float
    why: str = ""
    stopped: bool = False

    @property
    def text(self) -> str:
        """What it printed, as text."""
        return self.said.decode(errors="replace")


class _Said:
    """Hears a pipe, and keeps the beginning and the end of what is said."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.silent = asyncio.Event()
        self._pipe = pipe
        self._head, self._tail, self._lost = bytearray(), bytearray(), 0
        os.set_blocking(pipe.fileno(), False)
        asyncio.get_running_loop().add_reader(pipe.fileno(), self._hear)

    def _hear(self) -> None:
        try:
            heard = os.read(self._pipe.fileno(), 65_536)
        except BlockingIOError:
            return
        if not heard:
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())
            self.silent.set()
        room = max(0, _HEAD - len(self._head))
        self._head += heard[:room]
        self._tail += heard[room:]
        if len(self._tail) > 2 * _TAIL:
            self._lost += len(self._tail) - _TAIL
            del self._tail[:-_TAIL]

    async def end(self) -> bytes:
        """Give what was said; who holds the pipe open still is not waited for."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.silent.wait(), _LAST_WORDS_S)
        asyncio.get_running_loop().remove_reader(self._pipe.fileno())
        self._pipe.close()
        cut = f"\n[{self._lost} bytes left out]\n".encode() if self._lost else b""
        return bytes(self._head) + cut + bytes(self._tail)


async def run(
    words: Sequence[str],
    bounds: Bounds,
    *,
    environment: Mapping[str, str],
    cwd: Path,
    look: Callable[[Seen], None],
) -> Ran:
    """Run it to its end, within its bounds and until it is stopped; `look` is told now and then what it does.

    Raises:
        OSError: it cannot be started.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    child = subprocess.Popen(  # noqa: ASYNC220 - asyncio would not tell what the child has used
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=cwd,
        start_new_session=True,
    )
    assert child.stdout is not None  # noqa: S101 - it was asked for, for the types
    said, ended, handle = _Said(child.stdout), asyncio.Event(), os.pidfd_open(child.pid)
    loop.add_reader(handle, ended.set)
    why = ""
    try:
        why = await _watch(child.pid, bounds, ended, look)
    finally:
        loop.remove_reader(handle)
        os.close(handle)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # the group outlives its first process if others are in it
        _, status, used = await asyncio.to_thread(os.wait4, child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        whole = await said.end()
    cpu_s = used.ru_utime + used.ru_stime
    return Ran(child.returncode, whole, loop.time() - begun, cpu_s, why, stopped=why == _ASKED)


_ASKED = "stopped, because its answer was no longer wanted"


async def _watch(pid: int, bounds: Bounds, ended: asyncio.Event, look: Callable[[Seen], None]) -> str:
    """Wait for its end; say why it must be ended now, "" if it has ended."""
    loop = asyncio.get_running_loop()
    until = loop.time() + bounds.seconds
    waits = [asyncio.ensure_future(event.wait()) for event in (ended, bounds.stop)]
    try:
        while True:
            left = until - loop.time()
            await asyncio.wait(waits, timeout=max(0, min(_LOOK_S, left)), return_when=asyncio.FIRST_COMPLETED)
            if ended.is_set():
                return ""
            if bounds.stop.is_set():
                return _ASKED
            if left <= 0:
                return f"did not end within {bounds.seconds:g} s, so it was killed"
            seen = _seen(pid)
            look(seen)
            if seen.memory > bounds.memory:
                return f"used more than {bounds.memory // 1_000_000} MB, so it was killed"
    finally:
        for wait in waits:
            wait.cancel()


def _seen(pid: int) -> Seen:
    """Look at a process and all that come from it; pages that they share count twice."""
    memory, waits, ahead, looked = 0, True, [pid], 0
    while ahead and looked < _MOST_PROCESSES:
        place, looked = Path("/proc") / str(ahead.pop()), looked + 1
        with suppress(OSError, ValueError, IndexError):
            memory += int((place / "statm").read_bytes().split()[1]) * _PAGE
            for thread in (place / "task").iterdir():
                ahead += [int(each) for each in (thread / "children").read_bytes().split()]
                waits = waits and (thread / "stat").read_bytes().rpartition(b")")[2].split()[0] not in _BUSY
    return Seen(memory, waits)
