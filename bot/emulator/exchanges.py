"""Everything that went between Slack and the app, both ways, in order of time: the transcript."""

import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from bot.emulator.clock import Clock
from bot.emulator.messages import Json

MOST_KEPT = 10_000

Direction = Literal["to_app", "from_app"]
What = Literal["command", "interactive", "event", "api", "response_url", "upload", "download", "socket", "raw"]


@dataclass(slots=True)
class Exchange:
    """One message and its answer. `at` is Slack's time when it began; `ms` is None before the end.

    `outcome` is "ok" or an error word for what the app sends, empty or a failure for what is delivered.
    """

    seq: int
    at: float
    team: str
    direction: Direction
    what: What
    name: str
    body: Any
    answer: Any = None
    outcome: str = ""
    retry: int = 0
    ms: float | None = None


class Exchanges:
    """What was exchanged, the latest ten thousand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: deque[Exchange] = deque(maxlen=MOST_KEPT)
        self._count = 0

    @contextmanager
    def note(  # noqa: PLR0913 - a line of the transcript has as many columns
        self, direction: Direction, what: What, name: str, body: Any = None, *, team: str = "", retry: int = 0
    ) -> Iterator[Exchange]:
        """Keep what goes one way while it lasts; whoever has the answer fills it in."""
        started = time.perf_counter()
        self._count += 1
        exchange = Exchange(self._count, self._clock.now(), team, direction, what, name, body, retry=retry)
        self._kept.append(exchange)
        try:
            yield exchange
        finally:
            exchange.ms = round((time.perf_counter() - started) * 1000, 3)

    def clear(self) -> None:
        """Forget everything; the numbers begin again."""
        self._kept.clear()
        self._count = 0

    def transcript(self) -> list[Json]:
        """Render everything, in the order in which it began."""
        return [{name: getattr(one, name) for name in Exchange.__slots__} for one in self._kept]

    def lines(self) -> str:
        """Render everything as one JSON object a line."""
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self.transcript())

    def calls(self) -> list[Json]:
        """Render the app's calls of the Web API alone."""
        return [
            {"method": one.name, "args": one.body, "at": one.at, "outcome": one.outcome, "elapsed_ms": one.ms}
            for one in self._kept
            if one.what == "api"
        ]

    def deliveries(self) -> list[Json]:
        """Render what was delivered and acknowledged, or was not."""
        kinds = {"command": "slash_commands", "interactive": "interactive", "event": "events_api"}
        return [
            {
                "kind": kinds[one.what],
                "payload": one.body,
                "failure": one.outcome,
                "retry": one.retry,
                "elapsed_ms": one.ms,
            }
            for one in self._kept
            if one.what in kinds and one.ms is not None
        ]
