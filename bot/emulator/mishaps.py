"""Mishaps a test asks for on the way to the app: the next deliveries of a kind go wrong in a given way."""

from dataclasses import dataclass
from typing import Literal, get_args

from bot.emulator.delivery import Kind, Spoiled

Mode = Literal["duplicate", "drop", "answer_lost", "late", "reorder", "bad_signature", "old_signature", "garbage"]
MODES: tuple[str, ...] = get_args(Mode)
KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
SPOILED: dict[str, Spoiled] = {
    "bad_signature": "bad_signature",
    "old_signature": "old_signature",
    "garbage": "garbage",
}


@dataclass(slots=True)
class Mishap:
    """What happens to the next `times` deliveries of a kind (`*`: of any).

    duplicate: `copies` of it at once; drop: it never arrives; answer_lost: it arrives, the answer does not; late: after
    `delay_s` of Slack's time; reorder: after the next delivery, or `delay_s` of real time when none comes; the others
    spoil it.
    """

    kind: str
    mode: str
    times: int = 1
    delay_s: float = 0.0
    copies: int = 2


class Mishaps:
    """The mishaps still to happen, in the order they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Mishap] = []

    def add(self, mishap: Mishap) -> None:
        """Ask for a mishap."""
        self.waiting.append(mishap)

    def clear(self) -> None:
        """Drop every mishap that did not happen yet."""
        self.waiting.clear()

    def take(self, kind: Kind) -> Mishap | None:
        """Return the mishap for this delivery and count it."""
        for mishap in self.waiting:
            if mishap.kind in (kind, "*"):
                mishap.times -= 1
                if mishap.times <= 0:
                    self.waiting.remove(mishap)
                return mishap
        return None
