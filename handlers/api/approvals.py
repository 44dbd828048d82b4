"""Approvals as the API tells of them: plans that wait for a second person, and what came of them."""

from datetime import datetime
from typing import Any

from bot.domain.approval import Decision
from handlers.api.answers import Answer, Person, Somebody


class Approval(Answer):
    """A plan that waits for a second person, or what came of it. `plan` is the sha256 of exactly what is to be done.

    `will` names the steps that change something, `measured` what each step before found, by its title.
    """

    run_id: str
    playbook: str
    words: str
    params: dict[str, Any]
    service: str
    will: list[str]
    measured: dict[str, str]
    plan: str
    requester: Person
    asked_at: datetime
    expires_at: datetime
    decided: Decision | None
    decided_by: Somebody
    decided_at: datetime | None
    reason: str
