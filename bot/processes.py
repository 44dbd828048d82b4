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
_PIECE = 65_536


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code (negative: the signal that ended it), what it wrote, cut at a bound."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """What it printed, as text."""
        return self.out.decode(errors="replace")

    @property
    def last_words(self) -> str:
        """The last line of its errors, fit to be shown; its exit code if it wrote none."""
        lines = self.err.decode(errors="replace").strip().splitlines()
        line = "".join(sign for sign in lines[-1] if sign.isprintable()).strip() if lines else ""
        return line[:200] or f"exit code {self.code}"


async def run(  # noqa: PLR0913 - all that a child can be given, by name
    words: Sequence[str],
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    given: bytes = b"",
    cwd: Path | None = None,
    most_bytes: int = _MOST_BYTES,
) -> Ended | Missing:
    """Run a program to its end, or say why there was none; it sees `environment`, by default PATH and HOME only."""
    name = Path(words[0]).name
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=bare() if environment is None else environment,
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        is_absent = isinstance(error, FileNotFoundError) and "/" not in words[0]
        return Missing(f"{name} is not on PATH" if is_absent else f"{name} cannot be run: {error.strerror}")
    try:
        async with asyncio.timeout(seconds):
            out, err, _ = await asyncio.gather(
                _read(process.stdout, most_bytes), _read(process.stderr, most_bytes), _write(process.stdin, given)
            )
            code = await process.wait()
    except TimeoutError:
        return Missing(f"{name} did not end within {seconds:g} s, so it was killed")
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return Ended(code, out, err)


def bare() -> dict[str, str]:
    """Give the variables that every program needs, and no secret."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.environ.get("HOME", "/")}


async def _read(stream: asyncio.StreamReader | None, most_bytes: int) -> bytes:
    """Read to the end, so that the program is never held up; keep so many bytes."""
    kept = bytearray()
    while stream is not None and (piece := await stream.read(_PIECE)):
        kept += piece[: most_bytes - len(kept)]
    return bytes(kept)


async def _write(stream: asyncio.StreamWriter | None, given: bytes) -> None:
    if stream is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):  # it may end without having read what it was given
        stream.write(given)
        await stream.drain()
    stream.close()
