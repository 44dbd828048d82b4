"""What the timeline says about approvals: who asked for what, and what came of it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.domain.timeline import FIRSTFIVE, Entry, Kind, Person, canonical, from_us

PLAN_SHOWN = 12
"""Characters of a plan's sha256 that stand for it on a button and in words."""
ALONE_AFTER = timedelta(seconds=60)
"""How long a second person is waited for before one alone is offered to break the glass."""


class Decision(StrEnum):
    """What became of a request."""

    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    ALONE = "let through alone"


@dataclass(frozen=True)
class Request:
    """A plan that waits for a second person. `plan` is the sha256 of the rendered plan, times are UTC.

    `will` names the steps that change something, `measured` the summary of each step done before, by its title,
    `service` what it is about, if it is about one; `breakable`: one person may break the glass and do it alone.
    """

    run_id: str
    playbook: str
    params: Mapping[str, Any]
    will: tuple[str, ...]
    measured: Mapping[str, str]
    plan: str
    requester: Person
    asked_at: datetime
    expires_at: datetime
    decided: Decision | None = None
    decided_by: Person = field(default=Person("", ""))
    decided_at: datetime | None = None
    reason: str = ""
    service: str = ""
    breakable: bool = False

    @property
    def alone_at(self) -> datetime | None:
        """When one person is offered to do it alone, as no second one has come; None: never."""
        return self.asked_at + ALONE_AFTER if self.breakable else None

    @property
    def words(self) -> str:
        """The playbook and its params, as one would type them."""
        said = {key: "yes" if value is True else value for key, value in self.params.items() if value is not False}
        given = [f"{key}={value}" for key, value in said.items() if value not in (None, "", [], {})]
        return " ".join([self.playbook, *given])


_DECIDES = {Kind.APPROVAL_DECIDED, Kind.BROKE_GLASS}


UNKNOWN = ("api:", FIRSTFIVE.id)
"""How the ids begin of those who cannot be one of two people."""


@dataclass(frozen=True)
class Granted:
    """The decision counts."""

    by: Person
    at: datetime


@dataclass(frozen=True)
class Refused:
    """The decision does not count, or there is none; says why."""

    reason: str


def plan_sha256(rendered: Mapping[str, Any]) -> str:
    """Give what an approval is bound to: the hash of everything the plan says and has measured."""
    return hashlib.sha256(canonical(rendered).encode("ascii")).hexdigest()


def requests(entries: Iterable[Entry]) -> tuple[Request, ...]:
    """Give every request of a timeline, oldest first, with what came of it. Blanked ones are left out."""
    found: dict[tuple[str, str], Request] = {}
    for entry in entries:
        if entry.kind == Kind.APPROVAL_ASKED and entry.body is not None:
            asked = request(entry)
            found[asked.run_id, asked.plan] = asked
        elif entry.kind in _DECIDES and entry.body is not None:
            key = str(entry.facts["run"]), str(entry.facts["plan"])
            if key in found and found[key].decided is None:
                found[key] = _decided(found[key], entry)
    return tuple(found.values())


def request(entry: Entry) -> Request:
    """Read a request from the entry that asked."""
    facts = entry.facts
    return Request(
        run_id=facts["run"],
        playbook=facts["playbook"],
        params=facts["params"],
        will=tuple(facts["steps"]),
        measured=facts["measured"],
        plan=facts["plan"],
        requester=Person(facts["person"], facts["name"]),
        asked_at=entry.at,
        expires_at=from_us(facts["expires_at"]),
        service=str(facts.get("service", "")),
        breakable=bool(facts.get("breakable", False)),
    )


def _decided(asked: Request, entry: Entry) -> Request:
    facts = entry.facts
    return replace(
        asked,
        decided=Decision(facts["decision"]),
        decided_by=Person(facts["person"], facts["name"]),
        decided_at=entry.at,
        reason=str(facts.get("reason", "")),
    )
