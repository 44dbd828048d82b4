"""Programs of others, run as children: no shell, bounded in time and output, ended as a whole group."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.domain.run import Missing

_MOST_BYTES = 64_000_000
_LAST_WORDS_S = 0.5


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code (negative: the signal that ended it), what it wrote, cut at a bound.

    `late_s`: after so many seconds it was killed, 0 if it ended by itself.
    """

    name: str
    code: int
    out: bytes
    err: bytes = b""
    late_s: float = 0.0

    @property
    def text(self) -> str:
        """What it printed, as text."""
        return self.out.decode(errors="replace")

    @property
    def why(self) -> str:
        """Why it did not end well, fit to be shown: the last line of its errors if it wrote any; "" if it did."""
        if self.late_s:
            return f"did not end within {self.late_s:g} s, so it was killed"
        lines = self.err.decode(errors="replace").strip().splitlines()
        line = "".join(sign for sign in lines[-1] if sign.isprintable()).strip() if lines else ""
        return (line[:200] or f"exit code {self.code}") if self.code else ""


async def run(  # noqa: PLR0913 - all that a child can be given, by name
    words: Sequence[str],
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    given: bytes = b"",
    cwd: Path | None = None,
    most_bytes: int = _MOST_BYTES,
    together: bool = False,
) -> Ended | Missing:
    """Run a program to its end, or say why it cannot be run; it sees `environment`, by default PATH and HOME only.

    `together`: its errors stand among what it prints, as on a terminal.
    """
    name, loop = Path(words[0]).name, asyncio.get_running_loop()
    try:
        transport, child = await loop.subprocess_exec(
            lambda: _Child(most_bytes),
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT if together else asyncio.subprocess.PIPE,
            env=bare() if environment is None else environment,
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        is_absent = isinstance(error, FileNotFoundError) and "/" not in words[0]
        return Missing(f"{name} is not on PATH" if is_absent else f"{name} cannot be run: {error.strerror}")
    late_s = await _hear_out(transport, child, given, seconds)
    return Ended(name, transport.get_returncode() or 0, child.said(1), child.said(2), late_s)


class _Child(asyncio.SubprocessProtocol):
    """Hears a program out, so that it is never held up, and keeps the beginning of what it says."""

    def __init__(self, most_bytes: int) -> None:
        self.ended, self.silent = asyncio.Event(), asyncio.Event()
        self._most_bytes = most_bytes
        self._said = {1: bytearray(), 2: bytearray()}
        self._silent: set[int] = set()

    def said(self, fd: int) -> bytes:
        """Give what it has said on one of its pipes."""
        return bytes(self._said[fd])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tell which pipes it does not have at all."""
        assert isinstance(transport, asyncio.SubprocessTransport)  # noqa: S101 - asyncio's promise, for the types
        self._silent |= {fd for fd in self._said if transport.get_pipe_transport(fd) is None}

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep what fits."""
        self._said[fd] += data[: self._most_bytes - len(self._said[fd])]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Notice that nobody will say anything more."""
        del exc
        self._silent.add(fd)
        if self._silent >= self._said.keys():
            self.silent.set()

    def process_exited(self) -> None:
        """Notice its end, whoever holds its pipes still."""
        self.ended.set()


async def _hear_out(transport: asyncio.SubprocessTransport, child: _Child, given: bytes, seconds: float) -> float:
    """Give a program its input and wait for its end; give after how many seconds it was killed, 0 if it was not."""
    late_s, pipe = 0.0, transport.get_pipe_transport(0)
    try:
        if isinstance(pipe, asyncio.WriteTransport):
            pipe.write(given)
            pipe.close()
        async with asyncio.timeout(seconds):
            await child.ended.wait()
    except TimeoutError:
        late_s = seconds
    finally:
        if not child.ended.is_set():
            with suppress(ProcessLookupError):
                os.killpg(transport.get_pid(), signal.SIGKILL)
            await child.ended.wait()
        # What it has started and left running may hold its pipes open for ever.
        with suppress(TimeoutError):
            await asyncio.wait_for(child.silent.wait(), _LAST_WORDS_S)
        transport.close()
    return late_s


def bare() -> dict[str, str]:
    """Give the variables that every program needs, and no secret."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.environ.get("HOME", "/")}
