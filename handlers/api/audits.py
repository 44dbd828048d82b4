"""The audit log as the API tells of it: who allowed, refused, opened and took away what."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.domain.audit_log import SUBJECTS, place
from bot.engine.ports import Ports
from handlers.api.answers import Answer
from handlers.api.problems import Trouble, described
from handlers.api.timelines import EntryTold
from handlers.audits import Audit
from handlers.reader import Asks
from handlers.visible import audited


def _subject(word: str) -> str:
    if word and word not in SUBJECTS:
        raise ValueError(f"one of {', '.join(SUBJECTS)} is meant")
    return word


class LogTold(Answer):
    """A part of the log, the latest first. `next` is the `cursor` of the following part, null at the end."""

    items: list[EntryTold]
    next: str | None


class LogAsked(BaseModel):
    """What of the log."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=500, description="How many to give at most.")
    cursor: str = Field(
        "", pattern=r"^([0-9]{1,17}\.[A-Za-z0-9-]{1,20}\.[0-9]{1,9})?$", description="`next` of the page before."
    )
    about: Annotated[str, AfterValidator(_subject)] = Field(
        "", description="About this only.", json_schema_extra={"enum": ["", *SUBJECTS]}
    )
    who: str = Field("", max_length=200, description="By this person: an id or a name.")
    incident: str = Field("", pattern=r"^([Ii][Nn][Cc]-[0-9]{1,9})?$", description="In this incident.")


@dataclass(frozen=True)
class AuditLog:
    """The operation about it."""

    ports: Ports

    def route(self, routes: APIRouter) -> None:
        """Add it."""
        routes.add_api_route("/audit", self.list_audit_entries, responses=described(Trouble.NOT_VALID))

    async def list_audit_entries(self, reader: Asks, asked: Annotated[LogAsked, Query()]) -> LogTold:
        """List who allowed, refused, opened and took away what, in every incident and in none."""
        question = replace(Audit(asked.about, asked.who, asked.incident, asked.cursor).question, limit=asked.limit + 1)
        entries = await self.ports.store.read(lambda tx: audited(self.ports, tx, reader.person, question))
        shown = entries[: asked.limit]
        more = ".".join(map(str, place(shown[-1]))) if len(entries) > asked.limit else None
        return LogTold(items=list(map(EntryTold.of, shown)), next=more)
