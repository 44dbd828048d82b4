"""The composition root: settings -> adapters -> ports -> registry -> the bot. Only this and wiring name adapters."""

import os
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib.metadata import version
from secrets import token_hex
from socket import gethostname
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

import playbooks
from bot.adapters.archive import TarArchive
from bot.adapters.bell import LocalBell
from bot.adapters.chance import SystemChance
from bot.adapters.clock import SystemClock
from bot.adapters.documents import MarkdownDocuments
from bot.adapters.doer import Doer
from bot.adapters.git import GitBundles, GitRepository
from bot.adapters.metrics import Metrics
from bot.adapters.nochat import NoDirectory, NoGroups, NoPager, NoPoster, NoTranscript
from bot.adapters.paging.rota import ConfigRota
from bot.adapters.pdf.printer import ChildPrinter
from bot.adapters.prometheus import PrometheusMetrics
from bot.adapters.pushgateway import Pushgateway
from bot.adapters.replica import ThisReplica
from bot.adapters.sql.alerts import SqlAlerts
from bot.adapters.sql.gauges import SqlGauges
from bot.adapters.sql.marks import SqlMarks
from bot.adapters.sql.sessions import SqlSessions, SqlTokens
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.surfaces import SqlSurfaces
from bot.adapters.sql.timeline import SqlTimeline
from bot.adapters.targets.discovery import KeptDiscovery
from bot.adapters.targets.fronts import HttpFronts
from bot.adapters.targets.switches import HttpSwitches
from bot.doctor import Doctor
from bot.domain.access import unset
from bot.domain.service import Catalog
from bot.door import guarded
from bot.engine.admission import Admission
from bot.engine.grammar import usage
from bot.engine.intake import AlertPolicy, Intake
from bot.engine.playbook import Registry, load
from bot.engine.ports import Ports
from bot.engine.runner import Runner
from bot.ports import Engine
from bot.settings import Settings
from bot.settings.configured import configuration
from bot.wiring import (
    AllTargets,
    Committed,
    is_shared,
    kept,
    moment,
    watched,
    wired_audits,
    wired_engine,
    wired_journal,
    wired_logs,
    wired_metrics,
    wired_pager,
    wired_prober,
    wired_rota,
    wired_router,
    wired_sources,
    wired_store,
    wired_telemetry,
    wired_verifier,
    wired_workspaces,
)
from handlers import alerts, configurations, deploys, errors, exports, gate, operations, pages, postmortem_forms, probes
from handlers.api.application import AT, application
from handlers.probes import Glance
from handlers.schedule import Schedule, Timed, chores, digests, drills, guards, watches
from handlers.slack_desk import Desk
from handlers.strict import strict
from handlers.survey import Survey
from handlers.traced import Traced

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp

    from bot.adapters.slack.side import SlackSide
    from bot.adapters.sql.notices import Notices
    from bot.adapters.telemetry import Telemetry
    from handlers.slack_install import Hall

DRAIN_S = 2


@dataclass
class House:
    """Everything wired together."""

    settings: Settings
    store: SqlStore
    documents: MarkdownDocuments
    ports: Ports
    registry: Registry
    admission: Admission
    intake: Intake
    worker: Engine
    notices: "Notices | None"
    metrics: Metrics
    schedule: Schedule
    slack: "SlackSide | None"
    bolt: "AsyncApp | None"
    telemetry: "Telemetry | None"
    stopping: threading.Event = field(default_factory=threading.Event)

    async def start(self) -> None:
        """Begin to execute runs and to speak with Slack.

        :raises StoreUnusable: the database or its schema cannot be used, or another process serves it.
        """
        await self.store.ping()
        await self.ports.artifacts.check()
        await self.worker.start()
        self.schedule.start()
        if self.notices is not None:
            await self.notices.start()
        if self.slack is not None:
            await self.slack.start(self.bolt)

    async def expose(self, accept: str, usable: Mapping[str, bool], degraded: Mapping[str, bool]) -> tuple[bytes, str]:
        """Give what was counted and what is true now, and its media type."""
        now = await moment(self.ports, self.worker, usable, degraded)
        return await self.metrics.exposition(now, accept)

    async def stop(self, grace_s: float | None = DRAIN_S) -> None:
        """Let running steps end, then let go of everything. `grace_s` is None where no worker was started."""
        self.stopping.set()
        self.schedule.stop()
        if grace_s is not None:
            await self.worker.stop(grace_s)
        await self.ports.prober.close()
        if self.slack is not None:
            await self.slack.stop()
        if self.notices is not None:
            await self.notices.stop()
        await self.store.close()
        if self.telemetry is not None:
            await self.telemetry.stop()


def build(settings: Settings, tools: Ports | None = None, command: Sequence[str] = ()) -> House:
    """Wire everything; `tools` replaces the ports, for tests. Nothing is opened, sent or started yet.

    `command`: what starts this process again, where it may be lost in a drill.
    """
    clock, surfaces = SystemClock(), SqlSurfaces()
    documents = MarkdownDocuments(settings.url, settings.repositories, settings.postmortem.templates)
    bell = LocalBell(clock)
    committed = Committed([bell.ring])
    registry = load(playbooks)
    metrics = wired_metrics(registry)
    store, notices = wired_store(settings.database_url, committed, metrics)
    ports = tools or replace(_ports(settings, store, clock, bell, documents), replica=ThisReplica(command))
    ports = replace(ports if tools else watched(ports, metrics), observer=metrics)
    slack = None if tools else _slack(settings, ports, surfaces, metrics, registry)
    if tools is None:
        ports = replace(ports, pager=wired_pager(settings, ports.pager, metrics), rota=wired_rota(settings, ports))
    if slack is not None:
        ports = replace(ports, of_workspace=wired_workspaces(settings, ports, slack, metrics))
        committed.listeners.append(slack.heard)
    admission = Admission(registry, ports, admitted=metrics.command)
    return House(
        settings=settings,
        store=store,
        documents=documents,
        ports=ports,
        registry=registry,
        admission=admission,
        intake=Intake(registry, ports, _alert_policy(settings), admitted=metrics.command),
        worker=wired_engine(settings.database_url, Runner(registry, ports), ports),
        notices=notices,
        metrics=metrics,
        schedule=Schedule(admission, ports, _timed(ports.catalog)),
        slack=slack,
        bolt=_bolt(Desk(registry, admission, ports, slack)) if slack else None,
        telemetry=wired_telemetry(settings, store),
    )


def _ports(
    settings: Settings, store: SqlStore, clock: SystemClock, bell: LocalBell, documents: MarkdownDocuments
) -> Ports:
    """Give every port its adapter; who is in the chat is known only once there is one."""
    artifacts, anchors = kept(settings)
    mirrors, marks = settings.workspace / "repositories", SqlMarks()
    targets, repository = AllTargets(settings.kubernetes_token), GitRepository(mirrors)
    return Ports(
        store=store,
        journal=wired_journal(settings.database_url, clock),
        clock=clock,
        bell=bell,
        artifacts=artifacts,
        audits=wired_audits(settings, targets, repository),
        anchors=anchors,
        bundles=GitBundles(settings.bundle.repository, settings.bundle.branch, mirrors),
        discovery=KeptDiscovery(wired_sources(settings), store, marks, clock),
        targets=targets,
        archive=TarArchive(),
        repository=repository,
        logs=wired_logs(settings),
        documents=documents,
        rota=ConfigRota((), NoDirectory().find, clock),
        prober=wired_prober(settings),
        metrics=PrometheusMetrics(),
        router=wired_router(settings),
        fronts=HttpFronts(),
        gateway=Pushgateway(settings.pushgateway, settings.firstfive_pushgateway_token),
        switches=HttpSwitches(),
        chance=SystemChance(),
        replica=ThisReplica(),
        doer=Doer(settings.firstfive_actions_token),
        marks=marks,
        checkup=Doctor(settings, clock),
        verifier=wired_verifier(),
        catalog=settings.catalog(),
        **_rows(),
        **_nobody(),
    )


def _rows() -> dict[str, Any]:
    """Give what needs nothing but the transaction that it is handed."""
    tables = {"timeline": SqlTimeline(), "alerts": SqlAlerts(), "gauges": SqlGauges()}
    return {**tables, "sessions": SqlSessions(), "tokens": SqlTokens()}


def _nobody() -> dict[str, Any]:
    """Give the ports of a chat that there is not."""
    silent = {"pager": NoPager(), "poster": NoPoster(), "transcript": NoTranscript()}
    return {"directory": NoDirectory(), "groups": NoGroups(), **silent}


def _slack(
    settings: Settings, ports: Ports, surfaces: SqlSurfaces, metrics: Metrics, registry: Registry
) -> "SlackSide | None":
    """Wire Slack if it is configured; loaded only then, as it is the heaviest part."""
    if not settings.slack_bot_token and not settings.by_oauth:
        return None
    from bot.adapters.slack.config import SlackConfig  # noqa: PLC0415 - see above
    from bot.adapters.slack.side import SlackSide  # noqa: PLC0415
    from bot.adapters.slack.speaker import Speaker  # noqa: PLC0415
    from bot.adapters.sql.installations import SqlInstallations  # noqa: PLC0415

    config = SlackConfig(
        settings.slack_bot_token,
        settings.slack_signing_secret,
        settings.slack_app_token,
        f"{settings.slack_api_url}/",
        settings.url,
        settings.announcements,
        team=settings.slack_team,
        phases=tuple((step.title, step.budget_s) for step in registry["sop"].steps if step.budget_s),
    )
    return SlackSide(
        config,
        store=ports.store,
        timeline=ports.timeline,
        surfaces=surfaces,
        marks=ports.marks,
        artifacts=ports.artifacts,
        clock=ports.clock,
        catalog=ports.catalog,
        count=metrics.slack_call,
        acknowledged=metrics.acknowledged,
        speaker=Speaker(ports.store, ports.journal, ports.clock, _me()) if is_shared(settings.database_url) else None,
        installations=SqlInstallations(settings.slack_client_secret) if settings.by_oauth else None,
    )


def _timed(catalog: Catalog) -> list[Timed]:
    return [*chores(), *(each for kind in (digests, drills, guards, watches) for each in kind(catalog))]


def _alert_policy(settings: Settings) -> AlertPolicy:
    return AlertPolicy(settings.alert_routes, timedelta(minutes=settings.alert_flap_min), settings.alert_most)


def _me() -> str:
    """Name this process among the replicas."""
    return f"{gethostname()}:{os.getpid()}:{token_hex(3)}"


def _bolt(desk: Desk) -> "AsyncApp":
    from handlers.slack import slack_app  # noqa: PLC0415 - loads Bolt, like the rest of Slack

    return slack_app(desk)


def _hall(house: House, slack: "SlackSide") -> "Hall":
    """Give what an installation of the app passes through."""
    from bot.adapters.slack.oauth import Door  # noqa: PLC0415 - as above
    from handlers.slack_install import BACK, Hall  # noqa: PLC0415

    settings, ports = house.settings, house.ports
    client = settings.slack_client_id, settings.slack_client_secret
    door = Door(slack.config, ports.clock, *client, f"{settings.url}{BACK}")
    kept: Any = {"store": ports.store, "journal": ports.journal, "clock": ports.clock}
    return Hall(door, slack.workspaces.keep, **kept, page_url=settings.url, client_secret=settings.slack_client_secret)


def create_app(settings: Settings, tools: Ports | None = None) -> FastAPI:
    """Give the web application: Slack's route, pages, API, probes."""
    house = build(settings, tools)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await house.start()
        try:
            yield
        finally:
            await house.stop()

    return routes(house, FastAPI(**API, lifespan=lifespan))


API: dict[str, Any] = {
    "title": "FirstFive",
    "version": version("firstfive"),
    **dict.fromkeys(("docs_url", "redoc_url", "openapi_url")),
}


def routes(house: House, app: FastAPI) -> FastAPI:
    """Give an application every way in."""
    token = house.settings.firstfive_alerts_token
    deploys_token = house.settings.firstfive_deploys_token
    public = ((alerts.PREFIX, token), (deploys.PATH, deploys_token), (gate.PATH, deploys_token))
    known = tuple(beginning for beginning, secret in public if secret)
    guarded(app, house.settings, house.ports, known, house.slack.workspaces if house.slack else None)
    errors.answered(app)
    if house.telemetry is None:
        app.add_middleware(Traced)
    else:
        house.telemetry.watch(app)
    # Routes are tried in order, and Slack waits for nobody.
    if house.bolt is not None:
        from handlers.slack import slack_route  # noqa: PLC0415 - loads Bolt, which is here already

        secret, clock = house.settings.slack_signing_secret, house.ports.clock
        app.router.routes.append(slack_route(house.bolt, secret, clock, house.metrics.acknowledged))
    degraded = _degraded(house)
    if house.slack is not None:
        house.slack.ailments = lambda: [each for each in (glance() for glance in degraded.values()) if each]
        if house.settings.by_oauth:
            from handlers import slack_install  # noqa: PLC0415 - as above

            app.include_router(slack_install.router(_hall(house, house.slack)))
    app.include_router(probes.router(_checks(house), degraded, house.expose))
    app.include_router(strict(house.ports))
    survey = Survey(house.ports)  # pages and API remember together, so that nothing is asked twice
    app.include_router(pages.router(house.ports, house.documents, house.registry, house.stopping.is_set, survey))
    app.include_router(configurations.router(house.ports, configuration(house.settings)))
    app.include_router(exports.router(house.ports, ChildPrinter()))
    app.include_router(postmortem_forms.router(house.admission, house.ports))
    app.mount(AT, application(house.admission, house.ports, house.registry, survey))
    app.include_router(operations.router(house.admission, house.ports, house.registry, house.stopping.is_set))
    app.include_router(alerts.router(house.intake, token))
    app.include_router(deploys.router(house.admission, house.ports, deploys_token))
    app.include_router(gate.router(house.admission, house.ports, deploys_token))
    return app


def _checks(house: House) -> dict[str, Any]:
    async def database() -> str | None:
        await house.store.ping()
        return None

    async def engine() -> str | None:
        return None if house.worker.healthy() else "the worker does not answer"

    return {"database": database, "engine": engine}


def _degraded(house: House) -> dict[str, Glance]:
    unset = "not configured: set SLACK_SIGNING_SECRET, and SLACK_BOT_TOKEN or the app's client id and secret"
    slack: Glance = (lambda: unset) if house.slack is None else house.slack.ailment
    shared = {} if house.notices is None else {"replicas": house.notices.ailment}
    return {"slack": slack, "schedule": house.schedule.ailment, **shared, **_secrets_of_targets(house.ports.catalog)}


def _secrets_of_targets(catalog: Catalog) -> dict[str, Glance]:
    names = ", ".join(unset(catalog.variables, os.environ))
    said = f"not set in the environment: {names}; headers and agents' tokens come from there"
    return {"targets": lambda: said} if names else {}


def manual() -> list[str]:
    """Give a line for every playbook: how it is used, and what for."""
    return [f"{usage(playbook):60} {playbook.summary}" for playbook in load(playbooks).values()]
