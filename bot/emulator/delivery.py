"""What goes to the app, whichever way, and what came back."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from bot.emulator.messages import Json

Kind = Literal["slash_commands", "interactive", "events_api"]
Failure = Literal["", "http_timeout", "http_error", "connection_failed"]
Spoiled = Literal["", "bad_signature", "old_signature", "garbage"]


@dataclass(frozen=True, slots=True)
class Retry:
    """The how-manieth repetition of an event, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An acknowledgement, or the way it failed."""

    failure: Failure = ""
    body: Json = field(default_factory=dict)
    stop_retries: bool = False

    @property
    def words(self) -> str:
        """Return the error word Slack shows to the person."""
        return "operation_timeout" if self.failure == "http_timeout" else "dispatch_failed"


class Transport(Protocol):
    """A way to the app."""

    async def deliver(self, kind: Kind, payload: Json, retry: Retry | None = None, spoiled: Spoiled = "") -> Answer:
        """Send one payload, `spoiled` if asked to, and wait for its acknowledgement, three seconds at most."""
        ...
