"""Prints HTML as PDF, in a process of its own: it may take seconds and much memory, and nobody else waits for it."""

import asyncio
import sys

from bot.domain.errors import PrintFailed

_MOST_S = 60.0
_HTML_MAX = 8_000_000
_SAID_MAX = 500


class ChildPrinter:
    """Prints one document at a time."""

    def __init__(self, most_s: float = _MOST_S) -> None:
        self._most_s = most_s
        self._busy = asyncio.Lock()

    async def pdf(self, html: str) -> bytes:
        """Give a document as PDF. Nothing is loaded that the document does not hold itself.

        :raises PrintFailed: the extra `pdf` or a library of the system is missing, or it took too long; says so.
        """
        content = html.encode("utf-8", "replace")
        if len(content) > _HTML_MAX:
            raise PrintFailed(f"{len(content)} bytes are too long to be printed. Take the HTML, and print it there.")
        async with self._busy:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot.adapters.pdf.child",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(self._most_s):
                    printed, said = await process.communicate(content)
            except TimeoutError:
                raise PrintFailed(
                    f"It was not printed within {self._most_s:.0f} s. Take the HTML, and print it there."
                ) from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode or not printed.startswith(b"%PDF-"):
            lines = said.decode(errors="replace").strip().splitlines() or [f"exit code {process.returncode}"]
            raise PrintFailed(f"It could not be printed: {lines[-1][:_SAID_MAX]}")
        return printed
