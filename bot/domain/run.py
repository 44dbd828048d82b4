"""A durable run: what was asked, by whom, how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.timeline import Person

PROTOCOL = 1
VIA_CLOCK = "schedule"
"""The way in (`Source.via`) of what the clock asks for: nobody waits for an answer."""
VIA_EVENT = "event"
"""The way in of what the chat tells by itself (a reaction, an edited message): nobody waits for an answer either."""
VIA_PAGE = "page"
"""The way in of the pages: whoever asked reads the answer on the page of the run."""
VIA_DEPLOYS = "deploys"
"""The way in of the webhook that tells of deploys."""
VIA_SHORTCUT = "slack shortcut"
"""The way in of a message's own menu, which tells what the message says."""


class RunStatus(StrEnum):
    """Where a run stands. `parked` waits for a release that knows its plan."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    PARKED = "parked"

    @property
    def ended(self) -> bool:
        """Tell whether nothing will change any more."""
        return self in {RunStatus.DONE, RunStatus.FAILED, RunStatus.REFUSED}


@dataclass(frozen=True)
class Source:
    """Where a command came from and where its answer goes. All empty for the command line; `team`: a workspace's id.

    `sent` stands for the body that a command by the API came with, if that can be sent again. `traceparent` and
    `baggage` are W3C's, of the request that asked, or of the step that began a child: the run goes on with that trace.
    """

    channel: str = ""
    channel_name: str = ""
    response_url: str = ""
    via: str = "cli"
    team: str = ""
    sent: str = ""
    traceparent: str = ""
    baggage: str = ""


@dataclass(frozen=True)
class Plan:
    """What a run will do: names only, so that a later release can tell whether it still knows them."""

    playbook: str
    params: Mapping[str, Any]
    steps: tuple[str, ...]
    protocol: int = PROTOCOL


@dataclass(frozen=True)
class Run:
    """One execution of a playbook. `slot` is the idempotency key of what asked for it."""

    id: str
    plan: Plan
    actor: Person
    source: Source
    created_at: datetime
    slot: str
    incident_id: str = ""
    parent_id: str = ""
    status: RunStatus = RunStatus.QUEUED
    fence: int = 0
    wake_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    result: Any = None
    reason: str = ""


@dataclass(frozen=True)
class Choice:
    """A button under an answer.

    Pressing it sends `command` (the words after `/incident`), or asks for the run `again` once more, for `incident_id`.
    """

    label: str
    command: str = ""
    again: str = ""
    incident_id: str = ""


@dataclass(frozen=True)
class Reply:
    """The answer to whoever asked. `text` is Markdown; `incident_id` asks for that incident's card below it.

    `page` is the path of a page of ours that shows more.
    """

    text: str
    choices: tuple[Choice, ...] = ()
    incident_id: str = ""
    artifact: str = ""
    page: str = ""


@dataclass(frozen=True)
class Missing:
    """What an overrun or a failed optional step leaves behind instead of its result."""

    reason: str


@dataclass(frozen=True)
class Outcome:
    """How a child run ended, as its parent sees it. `result` is JSON."""

    run_id: str
    status: RunStatus
    result: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    incident_id: str = ""
