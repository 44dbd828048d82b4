"""What the composition root needs of several adapters at once, and what it chooses by the database."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from bot.adapters.anchors import FileAnchors
from bot.adapters.artifacts import FolderArtifacts
from bot.adapters.auditing import Auditors
from bot.adapters.audits.build import BuildLook
from bot.adapters.audits.logs import LogsLook
from bot.adapters.audits.modules import ModulesLook
from bot.adapters.audits.probes import ProbesLook
from bot.adapters.audits.sumdb import SumDatabase
from bot.adapters.bisect.cores import available_cores
from bot.adapters.bisect.jobs import Bubblewrap, Limits, Unguarded
from bot.adapters.bisect.prober import GitProber
from bot.adapters.clock import SystemClock
from bot.adapters.gate.verifier import SignatureVerifier, Vouch
from bot.adapters.logsearch.asking import Place
from bot.adapters.logsearch.elasticsearch import ElasticsearchLogs
from bot.adapters.logsearch.loki import LokiLogs
from bot.adapters.logsearch.none import NoLogs
from bot.adapters.metrics import Metrics
from bot.adapters.paging.pager import Accounts, ServicesPager, services
from bot.adapters.paging.rota import ConfigRota, Find, KeptRota, Names, Source
from bot.adapters.paging.schedules import OpsgenieSchedules, PagerDutySchedules
from bot.adapters.prometheus import PrometheusMetrics
from bot.adapters.routers.api import Api, kubernetes
from bot.adapters.routers.argocd import ArgoCdDriver
from bot.adapters.routers.command import CommandDriver
from bot.adapters.routers.deployment import DeploymentDriver
from bot.adapters.routers.drivers import Drivers
from bot.adapters.routers.envoy import EnvoyDriver
from bot.adapters.routers.haproxy import HaproxyDriver
from bot.adapters.routers.ingress import IngressDriver
from bot.adapters.routers.nginx import NginxDriver
from bot.adapters.routers.rollouts import RolloutsDriver
from bot.adapters.routers.webhook import WebhookDriver
from bot.adapters.sql.engines import address, conninfo
from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.store import SqlStore
from bot.adapters.targets.beside import Agents
from bot.adapters.targets.capture import HttpTargets
from bot.adapters.targets.discovery import Sources
from bot.adapters.targets.exposition import MetricsLook
from bot.adapters.targets.handshake import TlsHandshakes
from bot.adapters.targets.marked import TracingLook
from bot.adapters.targets.pods import Pods
from bot.adapters.targets.served import HttpVersions
from bot.adapters.timed import timed
from bot.adapters.worker import EmbeddedWorker
from bot.domain.addresses import AddressRefused
from bot.domain.audits import Audited
from bot.domain.errors import StoreUnusable
from bot.domain.gate.policy import Identity
from bot.domain.service import Target
from bot.domain.snapshot import RESTARTS, TLS, VERSION, Captured, Part, Probe, missed
from bot.domain.sumdb.source import read_source
from bot.engine.playbook import Registry
from bot.engine.ports import Ports
from bot.engine.runner import Runner
from bot.here import Here
from bot.ports import (
    Anchors,
    Artifacts,
    Audits,
    Clock,
    Engine,
    Keep,
    Logs,
    Moment,
    Pager,
    Prober,
    Repository,
    Rota,
    Router,
    Targets,
    as_it_is,
)
from bot.settings import ConfigRefused, Settings

if TYPE_CHECKING:
    from bot.adapters.slack.side import SlackSide
    from bot.adapters.slack.workspace import Workspace
    from bot.adapters.sql.notices import Notices
    from bot.adapters.telemetry import Telemetry

OUTSIDE = {
    "bundles": "git",
    "discovery": "discovery",
    "doer": "actions",
    "fronts": "fronts",
    "gateway": "pushgateway",
    "metrics": "prometheus",
    "repository": "git",
    "router": "router",
    "targets": "targets",
}
"""The ports to the world outside whose calls are timed, and by what name; the pagers are besides, as "paging"."""
_LOOK_S = 2.0
MOST_AT_ONCE = 12
"""Tests of a bisect that run at once, for each core: where they only wait, more than one does."""


class Look(Protocol):
    """Captures a part of its own kind."""

    async def capture(self, target: Target, part: Part) -> Captured:
        """Capture the part, recorded whatever becomes of it."""


class AllTargets:
    """Asks a target over the network; and what only its machine knows, the agent beside it or our own kernel."""

    def __init__(self, kubernetes_token: str = "") -> None:
        """`kubernetes_token` is what a cluster is asked with for pods."""
        self._http = HttpTargets()
        self._looks: Mapping[str, Look] = {
            VERSION.kind: HttpVersions(),
            TLS.kind: TlsHandshakes(),
            RESTARTS.kind: Pods(kubernetes(kubernetes_token)),
        }
        self._agents = Agents()
        self._here = Here()

    async def probe(self, target: Target, requests: int = 5) -> Probe:
        """Ask a target what its users get now."""
        return await self._http.probe(target, requests)

    async def capture(self, target: Target, parts: Sequence[Part], keep: Keep = as_it_is) -> tuple[Captured, ...]:
        """Capture parts of a target, each recorded whatever becomes of it, and kept before the next."""
        of_machine = [part for part in parts if part.kind in {"kernel", "log", "packets"}]
        of_front = [part for part in parts if part.kind in self._looks]
        of_target = [part for part in parts if part not in of_machine + of_front]
        told, asked, looked = await asyncio.gather(
            self._ask_machine(target, of_machine),
            self._http.capture(target, of_target, keep),
            asyncio.gather(*(self._looks[part.kind].capture(target, part) for part in of_front)),
        )
        done = dict(zip((part.name for part in of_target), asked, strict=True))
        done |= {captured.part: await keep(captured) for captured in (*told, *looked)}
        return tuple(done[part.name] for part in parts)

    async def _ask_machine(self, target: Target, parts: Sequence[Part]) -> tuple[Captured, ...]:
        if not parts:
            return ()
        if target.agent:
            return await self._agents.capture(target, parts)
        try:
            return await self._here.capture(target, await self._http.locate(target), parts)
        except AddressRefused as refused:
            return tuple(missed(target.name, part, str(refused)) for part in parts)


@dataclass
class Committed:
    """Tells whoever listens what a commit has touched; called on the writer's thread."""

    listeners: list[Callable[[frozenset[str]], None]]

    def __call__(self, topics: frozenset[str]) -> None:
        """Tell them."""
        for listen in self.listeners:
            listen(topics)


def is_shared(url: str) -> bool:
    """Tell whether several processes may serve this database together."""
    return address(url).drivername.startswith("postgresql")


def wired_engine(url: str, runner: Runner, ports: Ports) -> Engine:
    """Give what executes runs: on Postgres beside any number of other processes, on SQLite alone."""
    if not is_shared(url):
        return EmbeddedWorker(runner, ports, Path(f"{address(url).database}.lock"))
    from bot.adapters.procrastinate.worker import DistributedWorker  # noqa: PLC0415 - SQLite does without its weight

    return DistributedWorker(runner, ports, conninfo(url))


def wired_journal(url: str, clock: SystemClock) -> SqlJournal:
    """Give the journal; on Postgres it queues every run for whichever process is free."""
    if not is_shared(url):
        return SqlJournal(clock)
    from bot.adapters.procrastinate.jobs import defer  # noqa: PLC0415 - as above

    return SqlJournal(clock, defer)


def wired_metrics(registry: Registry) -> Metrics:
    """Give what counts what happens."""
    return Metrics({name: playbook.step_names for name, playbook in registry.items()}, version=version("firstfive"))


async def moment(ports: Ports, engine: Engine, usable: Mapping[str, bool], degraded: Mapping[str, bool]) -> Moment:
    """Look at all that is true now; waits for the database no longer than a scrape can."""
    try:
        async with asyncio.timeout(_LOOK_S):
            standing = await ports.store.read(lambda tx: ports.gauges.read(tx, ports.clock.now()))
    except (StoreUnusable, TimeoutError):
        standing = None
    return Moment(standing, await engine.pulse(), usable, degraded)


def watched(ports: Ports, metrics: Metrics) -> Ports:
    """Give the same ports, whose calls to the world outside are timed."""
    return replace(
        ports,
        **{name: timed(getattr(ports, name), adapter, metrics.adapter_call) for name, adapter in OUTSIDE.items()},
    )


def wired_store(url: str, committed: Committed, metrics: Metrics) -> tuple[SqlStore, "Notices | None"]:
    """Give the store, and on Postgres what carries the news of its commits from process to process."""
    if not is_shared(url):
        return SqlStore(url, committed, written=metrics.written), None
    from bot.adapters.sql.notices import Notices  # noqa: PLC0415 - as above

    notices = Notices(url, committed)
    return SqlStore(url, committed, notices.tell, metrics.written), notices


def wired_telemetry(settings: Settings, store: SqlStore) -> "Telemetry | None":
    """Begin to record and send spans where that is configured.

    :raises ConfigRefused: it is, and the extra is not installed.
    """
    if not settings.collector:
        return None
    try:
        from bot.adapters.telemetry import Telemetry  # noqa: PLC0415 - nothing of it is loaded where nothing is sent
    except ImportError as error:
        raise ConfigRefused("Spans cannot be sent from here: `pip install firstfive[otel]`") from error
    given = settings.telemetry
    telemetry = Telemetry(settings.collector, given.service_name, version("firstfive"), given.ratio)
    telemetry.start(store.engines)
    return telemetry


def wired_pager(settings: Settings, direct: Pager, metrics: Metrics) -> Pager:
    """Page by the services that have a key or an address; reach named people directly."""
    accounts = Accounts(
        page_url=settings.url,
        pagerduty_routing_key=settings.pagerduty_routing_key,
        pagerduty_api_token=settings.pagerduty_api_token,
        opsgenie_api_key=settings.opsgenie_api_key,
        webhook_token=settings.paging_webhook_token,
        **settings.paging.model_dump(),
    )
    return timed(ServicesPager(services(accounts), direct), "paging", metrics.adapter_call)


def rota_source(settings: Settings, find: Find, clock: Clock, usergroups: Source | None) -> Source | None:
    """Give what is asked who is on call; None where the configuration names them, or there is no Slack to ask."""
    paging = settings.paging
    sources: Mapping[str, Callable[[], Source | None]] = {
        "usergroup": lambda: usergroups,
        "pagerduty": lambda: PagerDutySchedules(settings.pagerduty_api_token, paging.pagerduty_api_url, find, clock),
        "opsgenie": lambda: OpsgenieSchedules(settings.opsgenie_api_key, paging.opsgenie_url, find),
    }
    return sources.get(settings.rota.source, lambda: None)()


def wired_rota(settings: Settings, ports: Ports, usergroups: Source | None = None, team: str = "") -> Rota:
    """Give what knows who is on call; `usergroups` is None where there is no Slack, `team` one workspace of several."""
    find, clock = ports.directory.find, ports.clock
    source = rota_source(settings, find, clock, usergroups)
    if source is None:
        return ConfigRota(settings.on_call, find, clock)
    names = Names(settings.rota.name, {service.name: service.rota for service in settings.services})
    return KeptRota(source, names, ports.store, ports.marks, clock, team=team)


def wired_workspaces(
    settings: Settings, ports: Ports, slack: "SlackSide", metrics: Metrics
) -> Callable[[str], Mapping[str, Any]]:
    """Give what gives the ports of a workspace by its id; nothing where the app is not installed.

    What belongs to no incident is posted to the default workspace, whoever asked for it.
    """
    made: WeakKeyDictionary[Workspace, Mapping[str, Any]] = WeakKeyDictionary()

    def ports_of(workspace: "Workspace") -> Mapping[str, Any]:
        there = replace(ports, directory=workspace.directory)
        return {
            "directory": workspace.directory,
            "groups": workspace.groups,
            "transcript": workspace.transcript,
            "pager": wired_pager(settings, workspace.pager, metrics),
            "rota": wired_rota(settings, there, workspace.usergroups, workspace.given.team if workspace.given else ""),
        }

    def of_workspace(team: str) -> Mapping[str, Any]:
        workspace, default = slack.workspaces.of(team), slack.workspaces.default
        if workspace is not None and workspace not in made:
            made[workspace] = ports_of(workspace)
        own = made[workspace] if workspace is not None else {}
        return {**own, "poster": default.poster} if default is not None else own

    return of_workspace


def kept(settings: Settings) -> tuple[Artifacts, Anchors]:
    """Give what is kept outside the database: in a folder, or in an object store, which is loaded only then."""
    if not settings.bucket:
        folder = Path(settings.artifacts_url)
        return FolderArtifacts(folder), FileAnchors(Path(settings.anchor or folder / "anchors.jsonl"))
    from bot.adapters.bucket import BucketAnchors, BucketArtifacts, open_bucket  # noqa: PLC0415 - see above

    bucket = open_bucket(settings.bucket)
    anchors = FileAnchors(Path(settings.anchor)) if settings.anchor else BucketAnchors(bucket)
    return BucketArtifacts(bucket), anchors


def wired_sources(settings: Settings) -> Sources:
    """Give what is asked for targets; a name server only where one is named, or more than addresses is asked for."""
    plans = [each.discovery for each in settings.catalog().services if each.discovery]
    scraped = PrometheusMetrics().targets
    if not any(plan.kind == "dns" and (plan.record == "SRV" or plan.server) for plan in plans):
        return Sources(scraped)
    from bot.adapters.targets.names import ask  # noqa: PLC0415 - its library takes a quarter of a second to load

    return Sources(scraped, ask)


def wired_prober(settings: Settings) -> Prober:
    """Give what runs tests at commits: apart from everything else, unless the configuration trusts them."""
    rules, state = settings.bisect, (settings.workspace / "bisect").resolve()
    limits = Limits(rules.memory_mb, rules.disk_mb, rules.processes)
    apart = Bubblewrap(state, limits, rules.visible) if rules.sandbox == "bubblewrap" else Unguarded(limits)
    cores = rules.workers or available_cores()
    return GitProber(state, apart, cores=cores, workers=rules.workers or MOST_AT_ONCE * cores, command=rules.go)


def wired_router(settings: Settings) -> Router:
    """Give the driver of every kind of router."""
    cluster = kubernetes(settings.kubernetes_token)
    return Drivers(
        {
            "haproxy": HaproxyDriver(),
            "envoy": EnvoyDriver(),
            "nginx": NginxDriver(),
            "deployment": DeploymentDriver(cluster),
            "rollouts": RolloutsDriver(cluster),
            "ingress": IngressDriver(cluster),
            "argocd": ArgoCdDriver(Api(settings.argocd_auth_token)),
            "command": CommandDriver(),
            "webhook": WebhookDriver(Api(settings.firstfive_router_token)),
        }
    )


def wired_audits(settings: Settings, targets: Targets, repository: Repository) -> Audits:
    """Give who looks at what an audit judges; a repository that is asked for is brought up to date."""
    pods, bring = Pods(kubernetes(settings.kubernetes_token)), partial(repository.bring, fresh=True)
    source = read_source(settings.audits.sumdb)
    database = SumDatabase(source, settings.workspace / "sumdb") if source else None
    return Auditors(
        {
            Audited.BUILD: BuildLook(targets, repository),
            Audited.LOGS: LogsLook(bring),
            Audited.METRICS: MetricsLook(),
            Audited.MODULES: ModulesLook(targets, repository, database),
            Audited.PROBES: ProbesLook(bring, pods.capture, pods.ask),
            Audited.TRACING: TracingLook(targets),
        }
    )


def wired_verifier() -> SignatureVerifier:
    """Give what verifies builds; what signs without keys is loaded where the configuration trusts it."""

    def keyless(identities: Sequence[Identity], trust_root: str) -> Vouch:
        from bot.adapters.gate.keyless import vouching  # noqa: PLC0415 - its library takes a second to load

        return vouching(identities, trust_root)

    return SignatureVerifier(keyless)


def wired_logs(settings: Settings) -> Logs:
    """Give the store of log lines, or what says that none is configured."""
    given = settings.logs
    if not given.store:
        return NoLogs()
    index = given.index if given.store == "elasticsearch" else given.selector
    asked = (given.url, index, given.scheme, settings.firstfive_logs_token, given.tenant, given.ca_file)
    place = Place(*asked, given.deadline_s, given.lines, given.fields.names())
    return ElasticsearchLogs(place) if given.store == "elasticsearch" else LokiLogs(place)
