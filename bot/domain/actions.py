"""Action items: what is left to do after an incident, by whom, until when; a fold of the entries about them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from bot.domain.timeline import BLANK, Entry, Kind, Person


@dataclass(frozen=True)
class ActionItem:
    """Something to do. `due` is a day in UTC; `done_on` is None while it is open; `seq` is the last entry about it."""

    incident_id: str
    number: int
    text: str = BLANK
    owner: Person | None = None
    due: date | None = None
    done_on: date | None = None
    seq: int = field(default=0, compare=False)

    def is_overdue(self, today: date) -> bool:
        """Tell whether its day has passed and it is still open."""
        return self.done_on is None and self.due is not None and self.due < today

    @property
    def state(self) -> str:
        """Say whether it is done, or until when it is to be."""
        return f"done {self.done_on}" if self.done_on else f"due {self.due}" if self.due else "no date"

    @property
    def facts(self) -> dict[str, Any]:
        """Give the body of an entry that tells all of it."""
        facts: dict[str, Any] = {"item": self.number, "text": self.text}
        facts |= {"person": self.owner.id, "name": self.owner.name} if self.owner else {}
        facts |= {"due": self.due.isoformat()} if self.due else {}
        return facts | ({"done": self.done_on.isoformat()} if self.done_on else {})

    def __str__(self) -> str:
        """Write it as one line."""
        return f"{self.number}. {self.text} ({self.owner.name if self.owner else 'no owner'}, {self.state})"


def change(items: tuple[ActionItem, ...], entry: Entry) -> tuple[ActionItem, ...]:
    """Give an incident's action items after one more entry about them, which tells only what it changes."""
    facts = entry.facts
    number = int(facts["item"])
    known = next((each for each in items if each.number == number), ActionItem(entry.incident_id, number))
    now = replace(_changed(known, facts), seq=entry.seq)
    return (*(now if each.number == number else each for each in items), *(() if known in items else (now,)))


def overdue(entries: Iterable[Entry], today: date) -> tuple[ActionItem, ...]:
    """Give the overdue action items of any incidents, the longest overdue first; blanked entries are passed over."""
    late = [each for each in every(entries) if each.is_overdue(today)]
    return tuple(sorted(late, key=lambda each: (each.due or today, each.incident_id, each.number)))


def every(entries: Iterable[Entry]) -> tuple[ActionItem, ...]:
    """Give the action items of any incidents, as they stand; blanked entries are passed over."""
    found: dict[str, tuple[ActionItem, ...]] = {}
    for entry in entries:
        if entry.kind == Kind.ACTION and entry.body is not None:
            found[entry.incident_id] = change(found.get(entry.incident_id, ()), entry)
    return tuple(each for items in found.values() for each in items)


def _changed(item: ActionItem, facts: dict[str, Any]) -> ActionItem:
    if "text" in facts:
        item = replace(item, text=str(facts["text"]))
    if "person" in facts:
        item = replace(item, owner=Person(str(facts["person"]), str(facts["name"])))
    if "due" in facts:
        item = replace(item, due=date.fromisoformat(facts["due"]))
    if "done" in facts:
        item = replace(item, done_on=date.fromisoformat(facts["done"]) if facts["done"] else None)
    return item
