"""Measures as the API tells of them: what incidents have come to, by service, severity and week."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from bot.domain.incident import Severity
from bot.domain.outcomes import NAMES, Group
from bot.engine.ports import Ports
from handlers.api.answers import Answer
from handlers.api.problems import Trouble, described
from handlers.measures import Period, view
from handlers.reader import Asks
from handlers.visible import outcomes


class MedianTold(Answer):
    """A measure over several incidents; `median_s` is null where none of them has it, `recorded` how many have."""

    name: str
    median_s: float | None
    recorded: int


class GroupTold(Answer):
    """What several incidents have come to; `name` is what they have in common: a service, a severity, a Monday."""

    name: str
    count: int
    measures: list[MedianTold]

    @classmethod
    def of(cls, group: Group) -> "GroupTold":
        """Tell of a group."""
        known = zip(NAMES, group.medians, group.recorded, strict=True)
        told = [
            MedianTold(name=name, median_s=None if at is None else at.total_seconds(), recorded=count)
            for name, at, count in known
        ]
        return cls(name=group.name, count=group.count, measures=told)

    @classmethod
    def every(cls, groups: Sequence[Group]) -> "list[GroupTold]":
        """Tell of several."""
        return list(map(cls.of, groups))


class ShareTold(Answer):
    """How many incidents had a verdict, "" for none; `latest` are ids."""

    verdict: str
    count: int
    share: float
    latest: list[str]


class MeasuresTold(Answer):
    """How incidents went: drills, and what was called off or is part of another, are in no count."""

    total: GroupTold
    by_service: list[GroupTold]
    by_severity: list[GroupTold]
    by_week: list[GroupTold]
    shares: list[ShareTold]
    worst: list[ShareTold]


class MeasuresAsked(BaseModel):
    """Of which incidents."""

    model_config = ConfigDict(extra="forbid")

    weeks: int = Field(13, ge=0, le=520, description="Of so many weeks, this one the last; 0 for all there are.")
    service: str = Field("", max_length=100, description="Of this service only.")
    severity: Severity | None = Field(None, description="Of this severity only.")


@dataclass(frozen=True)
class Measures:
    """The operation about them."""

    ports: Ports

    def route(self, routes: APIRouter) -> None:
        """Add it."""
        routes.add_api_route("/measures", self.get_measures, responses=described(Trouble.NOT_VALID))

    async def get_measures(self, reader: Asks, asked: Annotated[MeasuresAsked, Query()]) -> MeasuresTold:
        """Tell how incidents went: medians of the measures, and shares of verdicts, of all and of SEV1."""
        period = Period(asked.weeks, asked.service, asked.severity.value if asked.severity else "")
        ports, now = self.ports, self.ports.clock.now()
        told = await ports.store.read(lambda tx: outcomes(ports, tx, reader.person, period.selection(now)))
        it = await asyncio.to_thread(view, told, now, period)
        return MeasuresTold(
            total=GroupTold.of(it.total),
            by_service=GroupTold.every(it.by_service),
            by_severity=GroupTold.every(it.by_severity),
            by_week=GroupTold.every(it.by_week),
            shares=[ShareTold.model_validate(each) for each in it.shares],
            worst=[ShareTold.model_validate(each) for each in it.worst],
        )
