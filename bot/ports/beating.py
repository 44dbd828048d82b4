"""The port of whatever shows that it lives."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Pulse:
    """How many processes execute this database's runs (None: not known now), and how long ago ours last looked, s."""

    replicas: int | None = None
    beat_age_s: float | None = None


class Beating(Protocol):
    """Shows that it lives."""

    async def pulse(self) -> Pulse:
        """Feel its pulse; never raises."""
