"""Trigger ids: proof that a person just did something; good once, for three seconds."""

from dataclasses import dataclass

from bot.emulator.clock import Clock
from bot.emulator.errors import SlackError
from bot.emulator.identifiers import secret

LIFE_S = 3.0


@dataclass(slots=True)
class Trigger:
    """Whose modal may be opened, and from which view."""

    user: str
    issued_at: float
    view_id: str = ""
    used: bool = False


class Triggers:
    """Trigger ids that were given out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, Trigger] = {}

    def issue(self, user: str, view_id: str = "") -> str:
        """Give out a trigger id for what this person did."""
        trigger_id = f"{int(self._clock.now() * 1000)}.{len(self._issued) + 1}.{secret()}"
        self._issued[trigger_id] = Trigger(user, self._clock.now(), view_id)
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Use a trigger id up, or refuse like views.open."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock.now() - trigger.issued_at > LIFE_S:
            raise SlackError("expired_trigger_id", ["`trigger_id` expired [json-pointer:/trigger_id]"])
        trigger.used = True
        return trigger
