"""The action items of an incident as its pages show them, each with what may be done about it by the verb of Slack."""

from dataclasses import dataclass
from datetime import date

from bot.domain.actions import ActionItem
from bot.domain.incident import Incident
from bot.domain.timeline import Person
from handlers.offered import Action, path

_VERB = "action"
_FOUND = ("U", "W", "oidc:")
"""How the ids begin of those whom a form finds again by what it is filled with."""


@dataclass(frozen=True)
class ItemRow:
    """An item and what may be done about it; `is_late`: its day has passed."""

    item: ActionItem
    is_late: bool
    ways: tuple[Action, ...]


@dataclass(frozen=True)
class Items:
    """All of them, and the way to another one; `is_shown`: there are some, or it is time to think of some."""

    rows: tuple[ItemRow, ...]
    add: Action
    is_shown: bool


def items(incident: Incident, today: date) -> Items:
    """Give them; `today` is a day in UTC."""
    rows = tuple(ItemRow(each, each.is_overdue(today), _ways(incident, each)) for each in incident.actions)
    add = Action("Write an action item down", path(incident.id, _VERB, {}))
    return Items(rows, add, bool(rows) or (incident.is_over and incident.counts))


def _ways(incident: Incident, item: ActionItem) -> tuple[Action, ...]:
    if item.done_on:
        return (Action("Reopen", path(incident.id, _VERB, {"reopen": item.number}), press=True),)
    known = {"item": item.number, "was": item.seq, "text": item.text, "owner": _mention(item.owner), "due": item.due}
    done = Action("Done", path(incident.id, _VERB, {"done": item.number}), press=True)
    return (done, Action("Change", path(incident.id, _VERB, known)))


def _mention(person: Person | None) -> str:
    """Name somebody as a form takes them; "" leaves the field empty, which changes nothing."""
    if person is None or not person.id.startswith(_FOUND):
        return ""
    return f"<@{person.id}|{person.name.replace('|', '').replace('>', '')}>"
