"""Processes of the lab: they log to a file, say where they listen, and end with us."""

import json
import os
import select
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.lab.errors import TargetFailed

START_S = 20
END_S = 3
LOG_LIMIT = 5_000_000


class Child:
    """A process that ends when its standard input does, and so with us, whatever ends us."""

    def __init__(self, name: str, command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: variables beside those of ours."""
        self.name = name
        self.began = datetime.now(UTC)
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb" if log.exists() and log.stat().st_size > LOG_LIMIT else "ab") as sink:
            self._log_start = sink.tell()
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                env={**os.environ, **(environment or {})},
                process_group=0,  # a Ctrl-C on the terminal is ours to handle
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def announcement(self) -> dict[str, str]:
        """Wait for the line that says where the process listens."""
        pipe = self.process.stdout
        line = b""
        if pipe is not None and select.select([pipe], [], [], START_S)[0]:
            line = pipe.readline()
        if not line:
            raise TargetFailed(f"{self.name} did not start: {self.last_words()}")
        announced: dict[str, str] = json.loads(line)
        return announced

    def last_words(self) -> str:
        """Return why the process ended, as far as its log says."""
        lines = self.log.read_bytes()[self._log_start :].decode(errors="replace").splitlines()
        telling = [line for line in lines if '"level":"ERROR"' in line or line.startswith("panic:")]
        return (telling or lines[-1:] or [f"its log {self.log} is empty"])[0]
