"""`firstfive doctor` and `/incident doctor`: looks at everything FirstFive needs, and says what mends it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import playbooks
from bot.adapters import collector, git, programs
from bot.adapters.clock import SystemClock
from bot.adapters.documents import MarkdownDocuments
from bot.adapters.nochat import NoDirectory
from bot.adapters.paging.checks import of_configuration, of_source
from bot.adapters.paging.rota import Find, Source
from bot.adapters.pushgateway import Pushgateway
from bot.adapters.sql.engines import address, revision_of
from bot.adapters.sql.installations import SqlInstallations
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.tables import REVISION
from bot.domain.addresses import is_loopback
from bot.domain.checks import Check, State, fail, ok, warn
from bot.domain.discovery import DiscoveryPlan
from bot.domain.errors import SignInFailed, StoreUnusable
from bot.domain.examination import examine
from bot.domain.run import Missing
from bot.domain.run import Source as Whence
from bot.domain.service import Catalog, Service, Target
from bot.domain.sightings import DiscoveryFailed
from bot.domain.snapshot import GOROUTINE, KERNEL_PARTS, LOG, RESTARTS, TLS, PartStatus
from bot.domain.traffic import Split
from bot.door import provider_of, title_of
from bot.engine.fields import questions
from bot.engine.playbook import Playbook, load
from bot.ports import Clock, Installation, Tx
from bot.settings import Settings
from bot.wiring import AllTargets, kept, rota_source, wired_logs, wired_router, wired_sources, wired_verifier
from handlers.guard import BACK
from handlers.slack_forms import Occasion, form

if TYPE_CHECKING:
    from bot.adapters.slack.config import SlackConfig

_LONGEST_S = 20.0
_FOUND_NAMED = 5
_ASKED = Occasion(Whence("C0INC0007", "inc-7-checkout", "https://hooks.slack.com/commands/T/1/x"), "U0ADA0001", "INC-7")

# By which secret a source of rotas is asked, and what mends one that does not tell.
_KEYS = {"pagerduty": "pagerduty_api_token", "opsgenie": "opsgenie_api_key"}
_MENDS = {
    "usergroup": "correct `rota.name`: the user group's handle, as in Slack",
    "pagerduty": "correct `rota.name`, the id of the schedule (PI7DH85), or PAGERDUTY_API_TOKEN",
    "opsgenie": "correct `rota.name`, the name of the schedule, or OPSGENIE_API_KEY",
}

Probe = Callable[[], Awaitable[Iterable[Check]]]


def refused(said: str) -> tuple[Check, ...]:
    """Say that the configuration cannot be read; there is nothing else to look at then."""
    return tuple(fail("configuration", line, "docs/configuration.md lists every key") for line in said.splitlines())


def is_well(checks: Iterable[Check]) -> bool:
    """Tell whether nothing fails."""
    return all(check.state is not State.FAIL for check in checks)


class Doctor:
    """The Checkup port. Makes folders that are missing and changes nothing else; takes no lock."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._targets = AllTargets(settings.kubernetes_token)
        self._sources = wired_sources(settings)

    async def checks(self, *, live: bool = False) -> tuple[Check, ...]:
        """Look at everything at once; give a line for each thing, in the order in which they need each other.

        `live`: have Slack itself check a sample of everything that is shown, and every form. Nothing is posted.
        """
        probes: dict[str, Probe] = {
            "configuration": self._configuration,
            "slack": self._slack,
            **({"slack takes": self._validated} if live else {}),
            "sign-in": self._sign_in,
            "on call": self._on_call,
            "database": self._database,
            "artifacts": self._artifacts,
            "templates": self._templates,
            "targets": self._reach_targets,
            "agents": self._reach_agents,
            "routers": self._routers,
            "logs": self._logs,
            "gates": self._gates,
            "pushgateway": Pushgateway(self._settings.pushgateway, self._settings.firstfive_pushgateway_token).checks,
            "repositories": self._repositories,
            "programs": _programs,
            "telemetry": self._telemetry,
        }
        found = await asyncio.gather(*(_looked(name, probe) for name, probe in probes.items()))
        return tuple(check for checks in found for check in checks)

    async def _configuration(self) -> Iterable[Check]:
        services = self._settings.services
        if not services:
            said = "no service is configured: incidents work, snapshots and diagnoses do not"
            return [warn("configuration", said, "add [[services]] to firstfive.toml: docs/configuration.md")]
        targets = sum(len(service.targets) for service in services)
        return [ok("configuration", f"services {len(services)}, targets {targets}")]

    async def _telemetry(self) -> Iterable[Check]:
        """Ask the collector of spans, if there is one, whether it takes them."""
        where = self._settings.collector
        if not where:
            return []
        flaw = await collector.flaw(where, self._settings.otel_exporter_otlp_headers)
        mend = "correct `telemetry.endpoint` or OTEL_EXPORTER_OTLP_HEADERS: docs/tracing.md"
        return [warn("telemetry", f"{where}: {flaw}; spans are lost", mend) if flaw else ok("telemetry", where)]

    async def _gates(self) -> Iterable[Check]:
        """Read the keys and trust roots of the deploy gates: without them everything is denied."""
        gates = [(each.name, each.gate) for each in self._settings.catalog().services if each.gate]
        flaws = [(name, flaw.reason) for name, gate in gates if (flaw := await wired_verifier().check(gate))]
        mend = "correct `keys` or `trust_root`: docs/deploy-gate.md"
        failed = [fail("gates", f"{name}: {why}; every deploy is denied", mend) for name, why in flaws]
        return failed or ([ok("gates", ", ".join(name for name, _ in gates))] if gates else [])

    async def _templates(self) -> Iterable[Check]:
        """Write a postmortem with the templates of one's own, if there are any."""
        folder = self._settings.postmortem.templates
        flaw = MarkdownDocuments(templates=folder).flaw() if folder else ""
        if flaw:
            return [warn("templates", f"{flaw}; the shipped one is used", "mend it: docs/postmortem.md")]
        return [ok("templates", f"of {folder}")] if folder else []

    async def _validated(self) -> Iterable[Check]:
        from bot.adapters.slack.gallery import gallery  # noqa: PLC0415 - Slack's weight, where it is looked at
        from bot.adapters.slack.validation import validate  # noqa: PLC0415 - as above

        catalog = self._settings.catalog()
        samples: dict[str, dict[str, Any]] = {sample.name: {sample.kind: sample.body} for sample in gallery()}
        forms = {f"form: {verb.name}": {"view": form(verb, catalog, _ASKED)} for verb in _with_forms(catalog)}
        return await validate(self._slack_config(), samples | forms)

    def _slack_config(self) -> "SlackConfig":
        from bot.adapters.slack.config import SlackConfig  # noqa: PLC0415 - as above

        given = self._settings
        secrets = (given.slack_bot_token, given.slack_signing_secret, given.slack_app_token)
        return SlackConfig(*secrets, f"{given.slack_api_url}/")

    async def _slack(self) -> Iterable[Check]:
        """Look at the workspace of what belongs to none, closely, and at all that have installed the app."""
        from bot.adapters.slack.checks import Desired, checks  # noqa: PLC0415 - as above
        from bot.adapters.slack.installed import oauth, workspaces  # noqa: PLC0415 - as above

        given, config = self._settings, self._slack_config()
        channels = {given.announcements: "announcements"} if given.announcements else {}
        channels |= {digest.channel: f"digests: {digest.team}" for digest in given.digests}
        token = await self._token()
        is_wanted = bool(given.slack_client_id or given.slack_client_secret)
        desired = Desired(replace(config, bot_token=token), given.slack_config_token, channels, several=is_wanted)
        found = [] if is_wanted and not token else await checks(desired, self._clock.now())
        if not is_wanted:
            return found
        client = given.slack_client_id, given.slack_client_secret
        found.append(oauth(*client, f"{given.url}/slack/oauth_redirect", given.slack_api_url))
        return [*found, *(await workspaces(config, await self._installed()) if given.by_oauth else [])]

    async def _installed(self) -> list[Installation]:
        """Give the installations; none while the database cannot be used, of which its own line tells."""
        url, secret = self._settings.database_url, self._settings.slack_client_secret
        return await _read(url, SqlInstallations(secret).all) if self._settings.by_oauth else []

    async def _token(self) -> str:
        """Give the token of the workspace of what belongs to none, "" where there is none."""
        given = self._settings
        if given.slack_bot_token:
            return given.slack_bot_token
        usable = [one for one in await self._installed() if one.token]
        first = min(usable, key=lambda one: (one.team != given.slack_team, one.installed_at), default=None)
        return first.token if first else ""

    async def _sign_in(self) -> Iterable[Check]:
        """Look whether people can sign in, or have no need to."""
        given = self._settings
        if not given.sign_in.by:
            said = "nobody signs in: pages and API answer to this machine only"
            return [ok("sign-in", said) if is_loopback(given.host) else warn("sign-in", said, "docs/console.md")]
        provider = provider_of(given, self._clock)
        try:
            await provider.description()
        except SignInFailed as failure:
            return [fail("sign-in", f"{provider.issuer}: {failure}", "correct `sign_in.by`: docs/console.md")]
        return [ok("sign-in", f"by {title_of(given)}, which must send people back to {given.url}{BACK}")]

    async def _on_call(self) -> Iterable[Check]:
        """Ask by the configured source who is on call."""
        given, token = self._settings, await self._token()
        if given.rota.source in _KEYS and not getattr(given, _KEYS[given.rota.source]):
            key = _KEYS[given.rota.source].upper()
            return [fail("on call", f"{given.rota.source} is to be asked, and {key} is not set", f"set {key}")]
        if not token:
            return await self._by_rota(NoDirectory().find, None) or await of_configuration(given.on_call, None)
        from bot.adapters.slack.chat import Chat  # noqa: PLC0415 - as above
        from bot.adapters.slack.directory import SlackDirectory  # noqa: PLC0415 - as above
        from bot.adapters.slack.usergroups import Usergroups  # noqa: PLC0415 - as above

        chat = Chat(replace(self._slack_config(), bot_token=token), self._clock)
        directory = SlackDirectory(chat, self._clock)
        try:
            by_rota = await self._by_rota(directory.find, Usergroups(chat, directory))
            return by_rota or await of_configuration(given.on_call, directory.find)
        finally:
            await chat.close()

    async def _by_rota(self, find: Find, usergroups: Source | None) -> list[Check]:
        """Ask the source of rotas; nothing where the configuration names the people."""
        given = self._settings
        source = rota_source(given, find, self._clock, usergroups)
        if source is None and given.rota.source != "config":
            return [warn("on call", f"{given.rota.source}: not checked, there is no Slack to ask", "mend Slack first")]
        rotas = dict.fromkeys(name for name in (given.rota.name, *(one.rota for one in given.services)) if name)
        return await of_source(source, [*rotas], _MENDS[given.rota.source]) if source else []

    async def _database(self) -> Iterable[Check]:
        url = self._settings.database_url
        try:
            where = address(url).render_as_string(hide_password=True)
            at = await asyncio.to_thread(revision_of, url)
            if at == REVISION:
                await _ping(url)
        except StoreUnusable as unusable:
            unknown = warn("migrations", "not checked: the database cannot be used", "mend the database first")
            return [fail("database", str(unusable), "correct DATABASE_URL, or what it names"), unknown]
        return [ok("database", where), migrations(at)]

    async def _artifacts(self) -> Iterable[Check]:
        try:
            await kept(self._settings)[0].check()
        except StoreUnusable as unusable:
            return [fail("artifacts", str(unusable), "correct ARTIFACTS_URL, or what it names")]
        return [ok("artifacts", self._settings.artifacts_url)]

    async def _reach_targets(self) -> Iterable[Check]:
        services = self._settings.catalog().services
        named = asyncio.gather(*(self._target(target) for service in services for target in service.targets))
        found = asyncio.gather(*(self._found(each, each.discovery) for each in services if each.discovery))
        return [*await named, *(check for checks in await found for check in checks)]

    async def _found(self, service: Service, plan: DiscoveryPlan) -> list[Check]:
        """Say whom a service's discovery finds, and which of them give no answer."""
        name, mend = f"discovery {service.name}", "correct [services.discovery]: docs/targets.md"
        try:
            found = await self._sources.targets(service, plan, await self._sources.find(service, plan))
        except DiscoveryFailed as failure:
            return [fail(name, str(failure), mend)]
        targets = [each for each in found.targets if each not in service.targets]
        beside = (self._agent(target) for target in targets if target.agent)
        told = await asyncio.gather(*map(self._target, targets), *beside)
        ill = [each for each in told if each.state is not State.OK]
        silent = sum(each.name.startswith("target ") for each in ill)
        said = f"{plan.kind}: found {len(targets)}, of which {len(targets) - silent} answer"
        first = ", ".join(target.name for target in targets[:_FOUND_NAMED])
        if not targets:
            return [fail(name, "; ".join(found.losses) or "nobody is found", mend)]
        if found.losses:
            return [warn(name, f"{said}: {first}; {'; '.join(found.losses)}", mend), *ill]
        return [ok(name, f"{said}: {first}"), *ill]

    async def _target(self, target: Target) -> Check:
        name, mend = f"target {target.name}", "start it, or correct its `pprof`, `url`, `https`, `ca` and `allow`"
        parts = await self._targets.capture(target, (GOROUTINE, *([TLS] if target.secure_url else [])))
        probe = await self._targets.probe(target, 1) if target.url else None
        wrong = [part.error for part in parts if part.status is not PartStatus.OK] + ([probe.error] if probe else [])
        if any(wrong):
            return fail(name, next(filter(None, wrong)), mend)
        tls = examine(parts).tls
        for each in tls.addresses if tls else ():
            if each.code:
                said = f"{each.address} serves what clients of {target.secure_url} refuse: {each}"
                return warn(name, said, "mend its certificate, or say by `ca` and `server_name` how clients trust it")
        (pod,) = await self._targets.capture(target, (RESTARTS,)) if target.pods else (None,)
        if pod and pod.status in {PartStatus.FAILED, PartStatus.LATE}:
            return warn(name, pod.error, "give the account the rights that docs/targets.md names, or correct `pods`")
        lacks = f"; {pod.error.removeprefix(f'{target.name}: ')}" if pod and pod.error else ""
        return ok(name, f"answers at {target.pprof}{lacks}")

    async def _reach_agents(self) -> Iterable[Check]:
        targets = [target for service in self._settings.catalog().services for target in service.targets]
        return await asyncio.gather(*(self._agent(target) for target in targets if target.agent))

    async def _agent(self, target: Target) -> Check:
        """Ask an agent for everything but packets; what it does not see is worth a warning."""
        name, mend = f"agent {target.name}", "docs/agent.md tells how it is run beside a process"
        found = await self._targets.capture(target, (*KERNEL_PARTS, LOG))
        failed = [part.error for part in found if part.status in {PartStatus.FAILED, PartStatus.LATE}]
        lacking = [part.error for part in found if part.status is not PartStatus.OK]
        if failed:
            return fail(name, failed[0], mend)
        told = ", ".join(part.part for part in found if part.status is PartStatus.OK)
        return warn(name, lacking[0], mend) if lacking else ok(name, f"tells {told} at {target.agent}")

    async def _routers(self) -> Iterable[Check]:
        services = [service for service in self._settings.catalog().services if service.route]
        router = wired_router(self._settings)
        splits = await asyncio.gather(*(router.read(service) for service in services))
        return [_router(f"router {service.name}", split) for service, split in zip(services, splits, strict=True)]

    async def _logs(self) -> Iterable[Check]:
        """Ask the store of log lines, if there is one, whether it can be searched."""
        if not self._settings.logs.store:
            return []
        found = await wired_logs(self._settings).check()
        if isinstance(found, Missing):
            return [fail("logs", found.reason, "correct [logs], or FIRSTFIVE_LOGS_TOKEN: docs/traces.md")]
        return [ok("logs", found)]

    async def _repositories(self) -> Iterable[Check]:
        named = {f"repository {each.name}": each.repository for each in self._settings.services if each.repository}
        if self._settings.bundle.repository:
            named["repository of bundles"] = self._settings.bundle.repository
        return await asyncio.gather(*(_repository(name, place) for name, place in named.items()))


def _with_forms(catalog: Catalog) -> Iterator[Playbook]:
    """Give the verbs of which a form can ask something."""
    return (verb for verb in load(playbooks).values() if questions(verb, catalog, {}))


def _router(name: str, split: Split | Missing) -> Check:
    if isinstance(split, Missing):
        return fail(name, split.reason, "docs/routers.md says what each router needs")
    return ok(name, split.words)


async def _looked(name: str, probe: Probe) -> Iterable[Check]:
    """Run one probe; that it broke or took too long is what is found, and keeps no other from being run."""
    looking = asyncio.ensure_future(probe())
    done, _ = await asyncio.wait([looking], timeout=_LONGEST_S)
    if not done:
        looking.cancel()
        return [fail(name, f"no answer within {_LONGEST_S:g} s", "look whether the machine is overloaded")]
    error = looking.exception()
    if error is None:
        return looking.result()
    return [fail(name, f"could not be checked: {type(error).__name__}: {error}", "this is a fault of FirstFive itself")]


def migrations(at: str) -> Check:
    """Compare the revision of the schema with the one that this release needs."""
    if at == REVISION:
        return ok("migrations", f"at {at}")
    if not at:
        return warn("migrations", "there are no tables yet", "firstfive migrate")
    if at < REVISION:
        return fail("migrations", f"at {at}, this release needs {REVISION}", "firstfive migrate")
    mend = f"start the release that made it, or have it go back: firstfive migrate --down-to {REVISION}"
    return fail("migrations", f"at {at}, which is of a later release than this one ({REVISION})", mend)


async def _read(url: str, look: Callable[[Tx], list[Installation]]) -> list[Installation]:
    try:
        if await asyncio.to_thread(revision_of, url) != REVISION:
            return []
    except StoreUnusable:
        return []
    store = SqlStore(url)
    try:
        found = await store.read(look)
    except StoreUnusable:
        store.abandon()
        return []
    await store.close()
    return found


async def _ping(url: str) -> None:
    store = SqlStore(url)
    try:
        await store.ping()
    except StoreUnusable:
        store.abandon()
        raise
    await store.close()


async def _repository(name: str, place: str) -> Check:
    try:
        flaw = await git.flaw(place)
    except FileNotFoundError:
        return warn(name, "not checked: git is not on PATH", "apt install git")
    mend = "correct its path or address, and the bot's right to read it"
    return fail(name, flaw, mend) if flaw else ok(name, "can be read")


async def _programs() -> Iterable[Check]:
    return await asyncio.gather(programs.git(), programs.go(), programs.sandbox())
