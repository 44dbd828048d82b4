"""Starts a router's program and ends it."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.domain.traffic import Route

_PATIENCE_S = 30.0


@dataclass
class Running:
    """A router: where it answers users, the keys of [services.router], its process, what a ready one logs."""

    address: str
    settings: Mapping[str, str | list[str]]
    command: Sequence[str]
    log: Path
    ready: str = ""
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def toml(self) -> str:
        """Give the table as firstfive.toml has it."""
        lines = (f"{key} = {_toml(value)}" for key, value in self.settings.items())
        return "\n".join(["[services.router]", *lines, ""])

    @property
    def route(self) -> Route:
        """Give it as the domain knows it."""
        given = {key: tuple(value) if isinstance(value, list) else value for key, value in self.settings.items()}
        return Route(str(given.pop("kind")), given)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + _PATIENCE_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"{self.command[0]} did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, and with it its workers: a master that is killed leaves them behind."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(_PATIENCE_S)

    def restart(self) -> None:
        """Let it begin anew, from its configuration alone."""
        self.stop()
        self.start()

    def _answers(self) -> bool:
        if self.ready not in self.log.read_text():
            return False
        host, _, port = self.address.partition(":")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return False
        return True


@contextmanager
def running(router: Running) -> Iterator[Running]:
    """Run a router for as long as a block lasts."""
    try:
        router.start()
        yield router
    finally:
        router.stop()


def _toml(value: str | list[str]) -> str:
    return f'"{value}"' if isinstance(value, str) else f"[{', '.join(_toml(each) for each in value)}]"
