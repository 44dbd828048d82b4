"""Services as the API tells of them: how each is now, what is kept of it, what may be done to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from bot.domain.redaction import redact
from bot.domain.service import Service
from bot.engine.ports import Ports
from handlers.api.answers import Answer, Asked, Page, Person, page
from handlers.api.incidents import IncidentRow
from handlers.api.problems import Trouble, described, lost
from handlers.lookout import Seen
from handlers.reader import Asks
from handlers.service_views import EdgeRow, Now, ServiceView, State, TargetRow
from handlers.survey import Survey

ServiceName = Annotated[str, Path(max_length=200, description="Its name in the configuration.", examples=["checkout"])]


class DeployTold(Answer):
    """A release that went out; `source` is who told of it, `rolled_back_at` when it was taken back.

    `digest` is the artifact that the gate was asked about; `obstacles` says why that denied it, "" where it went out.
    """

    release: str
    commit: str
    at: datetime
    by: str
    source: str
    rolled_back_at: datetime | None
    go: str
    build: str
    digest: str
    obstacles: str


class FrozenTold(Answer):
    """A service that must not be touched; `until` is null until somebody thaws it."""

    reason: str
    by: Person
    at: datetime
    until: datetime | None


class StandingTold(Answer):
    """What two people have let FirstFive do by itself: take traffic from a canary. `policy` is its rules' sha256."""

    asked_by: Person
    approved_by: Person
    at: datetime
    policy: str


class AnswersTold(Answer):
    """What a target's users got when they were last looked after: answers by status, latency in milliseconds."""

    at: datetime
    requests: int
    statuses: dict[str, int]
    p50_ms: float | None
    max_ms: float | None
    error: str
    text: str

    @classmethod
    def of(cls, seen: Seen[Now]) -> "AnswersTold":
        """Tell what was seen, without a secret that an address may hold."""
        probe = seen.what.probe
        return cls(
            at=seen.at,
            requests=probe.requests,
            statuses=dict(probe.statuses),
            p50_ms=probe.p50_ms,
            max_ms=probe.max_ms,
            error=redact(probe.error),
            text=redact(probe.told),
        )


class CertificateTold(Answer):
    """A target's certificate: when it ends, in words too, and whether somebody should look after it."""

    expires_at: datetime | None
    is_ill: bool
    text: str


class BaselineTold(Answer):
    """What a target was like in a healthy time; `profiles` are artifacts (sha256) by name."""

    taken_at: datetime
    build: str
    revision: str
    goroutines: int | None
    heap_bytes: int | None
    profiles: dict[str, str]


class TargetTold(Answer):
    """A target. `drift` says what it ran although something else had been deployed, "" where nobody knows better."""

    name: str
    state: State
    answers: AnswersTold | None
    certificate: CertificateTold | None
    baseline: BaselineTold | None
    drift: str

    @classmethod
    def of(cls, row: TargetRow) -> "TargetTold":
        """Tell of a target."""
        return cls(
            name=row.target.name,
            state=row.state,
            answers=AnswersTold.of(row.seen) if row.seen else None,
            certificate=_certificate(row),
            baseline=_baseline(row),
            drift=redact(row.drift),
        )


class EdgeTold(Answer):
    """A path through caches: how many addresses answered, and what of their answers is not as wanted."""

    url: str
    at: datetime | None
    answers: int
    flaws: list[str]

    @classmethod
    def of(cls, row: EdgeRow) -> "EdgeTold":
        """Tell of a path."""
        return cls(url=redact(row.url), at=row.at, answers=row.answers, flaws=list(map(redact, row.flaws)))


class LinkTold(Answer):
    """A page worth having at hand."""

    title: str
    url: str


class ServiceRow(Answer):
    """A service as the list has it.

    `targets` counts them by state, `open` are its open incidents, drills aside, `deploy` is the one that stands;
    `troubles` is what somebody should look after, `notes` what cannot be told now.
    """

    name: str
    states: dict[State, int]
    open: list[IncidentRow]
    deploy: DeployTold | None
    frozen: FrozenTold | None
    troubles: list[str]
    notes: list[str]

    @classmethod
    def told(cls, it: ServiceView) -> dict[str, object]:
        """Give the values of a row."""
        return {
            "name": it.service.name,
            "states": it.counts,
            "open": it.kept.open_,
            "deploy": it.kept.deploy,
            "frozen": it.kept.frozen,
            "troubles": list(map(redact, it.troubles)),
            "notes": list(map(redact, it.notes)),
        }


class ServiceTold(ServiceRow):
    """A service: its targets, the worst first; `router` is "" and `canary` false where none is configured.

    `builds` is what its targets ran when they were last well, `latest` are its last incidents and drills, `diagnosed`
    the last of them that a snapshot gave a verdict on.
    """

    targets: list[TargetTold]
    edges: list[EdgeTold]
    builds: list[str]
    deploys: list[DeployTold]
    standing: StandingTold | None
    router: str
    canary: bool
    links: list[LinkTold]
    latest: list[IncidentRow]
    diagnosed: IncidentRow | None

    @classmethod
    def of(cls, it: ServiceView) -> "ServiceTold":
        """Tell of a service."""
        kept, service = it.kept, it.service
        more = {
            "targets": list(map(TargetTold.of, it.ranked)),
            "edges": list(map(EdgeTold.of, it.edges)),
            "builds": it.builds,
            "deploys": kept.deploys,
            "standing": kept.standing,
            "router": service.route.kind if service.route else "",
            "canary": service.canary is not None,
            "links": service.links,
            "latest": kept.latest,
            "diagnosed": kept.diagnosed,
        }
        return cls.model_validate({**cls.told(it), **more})


class ServicesAsked(Asked):
    """Which services: those that everything given fits."""

    words: str = Field("", max_length=200, description="All of these are in its name.")
    state: list[State] = Field(default=[], max_length=4, description="A target of it is one of these now.")
    frozen: bool | None = Field(None, description="Those that are frozen only, or none of them.")

    def named(self, services: Sequence[Service]) -> list[tuple[int, Service]]:
        """Give those that may be on the page, each with its number; no more than it takes if all of them fit."""
        words = self.words.lower().split()
        rows = [(number, each) for number, each in enumerate(services, 1) if number > self.cursor]
        fit = [(number, each) for number, each in rows if all(word in each.name.lower() for word in words)]
        return fit if self.state or self.frozen is not None else fit[: self.limit + 1]

    def fits(self, it: ServiceView) -> bool:
        """Tell whether a service is wanted, as it is now."""
        is_wanted = not self.state or not set(self.state).isdisjoint(it.counts)
        return is_wanted and self.frozen in {None, it.kept.frozen is not None}


@dataclass(frozen=True)
class Services:
    """The operations about them."""

    ports: Ports
    survey: Survey

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/services", self.list_services, responses=described(Trouble.NOT_VALID))
        routes.add_api_route("/services/{name}", self.get_service, responses=described(Trouble.NOT_THERE))

    async def list_services(self, reader: Asks, asked: Annotated[ServicesAsked, Query()]) -> Page[ServiceRow]:
        """List the services in the order of the configuration, each as it was seen last."""
        named = asked.named(self.ports.catalog.services)
        views = await self.survey.each([service for _, service in named], reader.person)
        numbers = [number for number, _ in named]
        rows = [(number, it) for number, it in zip(numbers, views, strict=True) if asked.fits(it)]
        items, next_ = page(rows[: asked.limit + 1], asked.limit, lambda row: row[0])
        return Page(items=[ServiceRow.model_validate(ServiceRow.told(it)) for _, it in items], next=next_)

    async def get_service(self, reader: Asks, name: ServiceName) -> ServiceTold:
        """Tell of one: its targets as they were seen last, what is kept of it, its latest incidents."""
        service = self.ports.catalog.service(name)
        if service is None:
            raise lost("service", name)
        return ServiceTold.of(await self.survey.closely(service, reader.person))


def _certificate(row: TargetRow) -> CertificateTold | None:
    found = row.seen.what.certificate if row.seen else None
    if found is None or not row.certificate:
        return None
    return CertificateTold(expires_at=found.expires_at, is_ill=row.is_certificate_ill, text=redact(row.certificate))


def _baseline(row: TargetRow) -> BaselineTold | None:
    if row.baseline is None:
        return None
    facts = row.baseline.facts
    return BaselineTold(
        taken_at=row.baseline.taken_at,
        build=str(facts.build),
        revision=facts.build.revision,
        goroutines=facts.goroutines,
        heap_bytes=facts.heap.inuse_bytes if facts.heap else None,
        profiles=dict(row.baseline.profiles),
    )
