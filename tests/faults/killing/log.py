"""What happened, across the processes of one history; and the deaths in it."""

import json
import os
import signal
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Line = dict[str, Any]

EVERY_EFFECT, EVERY_COMMIT = "after every effect", "after every commit"


@dataclass(frozen=True)
class Scope:
    """The step, or the part of one, that is being done."""

    run: str
    playbook: str
    step: str
    part: str = ""


SCOPE: ContextVar[Scope | None] = ContextVar("SCOPE", default=None)


class Log:
    """Lines that are written before anything else can happen. `fate` is where to die, once for each place."""

    def __init__(self, path: Path, fate: str) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self._fate = fate
        earlier = lines(path)
        self.process = 1 + sum(line["what"] == "up" for line in earlier)
        self._deaths = {line["at"] for line in earlier if line["what"] == "death"}

    def write(self, what: str, **facts: Any) -> None:
        """Add a line."""
        line = {"process": self.process, "what": what, **facts}
        os.write(self._file, f"{json.dumps(line)}\n".encode())

    def reach(self, point: str, place: str = "") -> None:
        """Die here, if that is our fate and we have not died here before."""
        at = f"{point}: {place}" if place else point
        if point == self._fate and at not in self._deaths:
            self.write("death", at=at)
            os.kill(os.getpid(), signal.SIGKILL)

    def effect(self, name: str, key: str) -> None:
        """Something was done outside, or asked there; its result is not kept yet."""
        scope = SCOPE.get()
        if scope is not None:
            self.write("effect", **vars(scope), name=name, key=key)
            self.reach(EVERY_EFFECT, f"{scope.run} {scope.step} {scope.part} {name} {key}")


def lines(path: Path) -> list[Line]:
    """Read a log."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
