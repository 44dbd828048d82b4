"""Everything that can be configured, read once: one TOML file, secrets from the environment."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator, model_validator

from bot.domain.alerts import AlertRoute
from bot.domain.errors import FirstFiveError
from bot.domain.incident import Severity
from bot.domain.service import Catalog, DigestPlan, MarkRules, ReminderRules, UpdateRules
from bot.settings import routers
from bot.settings.bisect import BisectTable
from bot.settings.canary import CanaryTable
from bot.settings.discovery import DiscoveryTable
from bot.settings.gate import ForbiddenTable, GateTable, IdentityTable
from bot.settings.guard import GuardTable, PushgatewayToken
from bot.settings.logs import FieldsTable, LogsTable
from bot.settings.services import ServiceTable, watched
from bot.settings.sign_in import SignInTable, lacks
from bot.settings.tables import (
    Address,
    AlertTable,
    AuditsTable,
    BundleTable,
    DigestTable,
    DrillTable,
    EdgeTable,
    LinkTable,
    PagingTable,
    PostmortemTable,
    RemindersTable,
    RetentionTable,
    RotaTable,
    Table,
    TelemetryTable,
    TimelineTable,
    UpdatesTable,
)
from bot.settings.targets import TargetTable, TlsTable

DEFAULT_FILE = "firstfive.toml"
DEFAULT_PORT = 8000
_STORES = ("s3://", "gs://", "az://")


class ConfigRefused(FirstFiveError):
    """The configuration cannot be used; names the key and what it should be."""


class Settings(Table):
    """The configuration of one FirstFive."""

    url: Address = ""
    host: str = "127.0.0.1"
    default_severity: Severity = Severity.SEV2
    on_call: tuple[str, ...] = ()
    announcements: str = ""
    rota: RotaTable = RotaTable()
    services: tuple[ServiceTable, ...] = ()
    digests: tuple[DigestTable, ...] = ()
    drills: tuple[DrillTable, ...] = ()
    drill_min: int = Field(30, ge=1, le=240)
    reminders: RemindersTable = RemindersTable()
    updates: UpdatesTable = UpdatesTable()
    alerts: tuple[AlertTable, ...] = ()
    alert_flap_min: int = Field(30, ge=0, le=1_440)
    alert_most: int = Field(10, ge=1, le=1_000)
    paging: PagingTable = PagingTable()
    pushgateway: Address | None = None

    port: int = Field(DEFAULT_PORT, ge=0, le=65_535)
    database_url: str = "sqlite:///data/firstfive.db"
    artifacts_url: str = "data/artifacts"
    slack_bot_token: str = ""
    slack_signing_secret: str = ""
    slack_app_token: str = ""
    slack_config_token: str = ""
    slack_client_id: str = ""
    slack_client_secret: str = ""
    slack_team: str = Field("", pattern="^(T[A-Z0-9]{2,20})?$")
    slack_api_url: Address = "https://slack.com/api"
    sign_in_client_secret: str = ""
    firstfive_alerts_token: str = ""
    firstfive_deploys_token: str = ""
    firstfive_actions_token: str = ""
    pagerduty_routing_key: str = ""
    pagerduty_api_token: str = ""
    opsgenie_api_key: str = ""
    paging_webhook_token: str = ""
    kubernetes_token: str = ""
    argocd_auth_token: str = ""
    firstfive_router_token: str = ""
    firstfive_logs_token: str = ""
    firstfive_pushgateway_token: PushgatewayToken = ""
    otel_exporter_otlp_headers: str = ""
    otel_exporter_otlp_endpoint: Address | None = None
    anchor: str = ""
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    bundle: BundleTable = BundleTable()
    postmortem: PostmortemTable = PostmortemTable()
    audits: AuditsTable = AuditsTable()
    logs: LogsTable = LogsTable()
    bisect: BisectTable = BisectTable()
    retention: RetentionTable = RetentionTable()
    timeline: TimelineTable = TimelineTable()
    sign_in: SignInTable = SignInTable()
    telemetry: TelemetryTable = TelemetryTable()

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Say what it is, for logs and errors: all but the secrets and the database, which may have a password."""
        return [(name, value) for name, value in super().__repr_args__() if name not in {*SECRETS, "database_url"}]

    @field_validator("artifacts_url")
    @classmethod
    def _known_store(cls, url: str) -> str:
        if url.startswith("file:///"):
            return url.removeprefix("file://")
        if "://" in url and not (url.startswith(_STORES) and url.partition("://")[2].strip("/")):
            raise ValueError("is a folder, or s3://bucket/folder, gs://bucket/folder, az://container/folder")
        return url

    @property
    def by_oauth(self) -> bool:
        """Tell whether workspaces can install the app by themselves."""
        return bool(self.slack_client_id and self.slack_client_secret)

    @property
    def collector(self) -> str:
        """Where spans are sent, "" for nowhere."""
        return self.otel_exporter_otlp_endpoint or self.telemetry.endpoint or ""

    @property
    def bucket(self) -> str:
        """The object store's URL, "" when artifacts are in a folder."""
        return self.artifacts_url if "://" in self.artifacts_url else ""

    @property
    def workspace(self) -> Path:
        """The folder for what this process needs on its own disk: mirrors of repositories, locks."""
        return Path("data") if self.bucket else Path(self.artifacts_url).parent

    @model_validator(mode="before")
    @classmethod
    def _url_of_its_own(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Without an address of its own, links lead to where the pages answer anyway: this machine."""
        return {"url": f"http://127.0.0.1:{values.get('port', DEFAULT_PORT)}", **values}

    @field_validator("services")
    @classmethod
    def _know_each_other(cls, services: tuple[ServiceTable, ...]) -> tuple[ServiceTable, ...]:
        for kind, names in (
            ("service", [service.name for service in services]),
            ("target", [target.name for service in services for target in service.targets]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"the {kind} {twice[0]!r} is there twice")
        known = {service.name for service in services}
        for service in services:
            if strange := [hop for hop in service.hops if hop not in known]:
                raise ValueError(f"`hops` of {service.name!r} names {strange[0]!r}, which is no service here")
        return services

    @property
    def alert_routes(self) -> tuple[AlertRoute, ...]:
        """The rules for alerts as the domain knows them."""
        return tuple(AlertRoute(rule.match, rule.service, rule.severity, rule.do) for rule in self.alerts)

    @field_validator("digests")
    @classmethod
    def _of_known_services(cls, digests: tuple[DigestTable, ...], info: ValidationInfo) -> tuple[DigestTable, ...]:
        known = {service.name for service in info.data.get("services", ())}
        teams = [digest.team.lower() for digest in digests]
        for digest in digests:
            strangers = [name for name in digest.services if name not in known]
            if strangers:
                raise ValueError(f"the digest of {digest.team!r} names {strangers[0]!r}, which is no service here")
            if teams.count(digest.team.lower()) > 1:
                raise ValueError(f"the team {digest.team!r} is there twice")
        return digests

    @field_validator("drills")
    @classmethod
    def _of_labs(cls, drills: tuple[DrillTable, ...], info: ValidationInfo) -> tuple[DrillTable, ...]:
        labs = {service.name for service in info.data.get("services", ()) if service.lab}
        strangers = [drill.service for drill in drills if drill.service not in labs]
        if strangers:
            raise ValueError(f"a drill names {strangers[0]!r}, which is no service with `lab = true` here")
        known = [(drill.service, drill.fault) for drill in drills]
        twice = next((drill for drill in drills if known.count((drill.service, drill.fault)) > 1), None)
        if twice:
            raise ValueError(f"the {twice.fault or 'blind'} drill of {twice.service!r} is there twice")
        return drills

    @property
    def repositories(self) -> Mapping[str, str]:
        """The repository of each service that has one, by the service's name."""
        return {service.name: service.repository for service in self.services if service.repository}

    @field_validator("sign_in")
    @classmethod
    def _whole(cls, table: SignInTable, info: ValidationInfo) -> SignInTable:
        if lacking := lacks(table, info.data):
            raise ValueError(lacking)
        return table

    def catalog(self) -> Catalog:
        """Give the watched world as the domain knows it."""
        return Catalog(
            services=tuple(watched(table) for table in self.services),
            on_call=self.on_call,
            default_severity=self.default_severity.value,
            announcements=self.announcements,
            digests=tuple(DigestPlan(**dict(table)) for table in self.digests),
            drills=tuple(table.plan() for table in self.drills),
            drill_min=self.drill_min,
            reminders=ReminderRules(**dict(self.reminders)),
            updates=UpdateRules(**dict(self.updates)),
            retention_days=self.retention.days,
            runs_days=self.retention.runs_days,
            bundle_max_bytes=self.bundle.max_mb * 1_000_000,
            bisect=self.bisect.rules(),
            marks=MarkRules(self.timeline.reactions, self.timeline.pins, self.timeline.files_max_mb * 1_000_000),
        )


SECRETS = (
    "slack_bot_token",
    "slack_signing_secret",
    "slack_app_token",
    "slack_config_token",
    "slack_client_secret",
    "sign_in_client_secret",
    "firstfive_alerts_token",
    "firstfive_deploys_token",
    "firstfive_actions_token",
    "pagerduty_routing_key",
    "pagerduty_api_token",
    "opsgenie_api_key",
    "paging_webhook_token",
    "kubernetes_token",
    "argocd_auth_token",
    "firstfive_router_token",
    "firstfive_logs_token",
    "firstfive_pushgateway_token",
    "otel_exporter_otlp_headers",
)
FROM_ENVIRONMENT: Mapping[str, str] = {
    **{secret: secret.upper() for secret in SECRETS},
    "slack_client_id": "SLACK_CLIENT_ID",
    "slack_api_url": "SLACK_API_URL",
    "otel_exporter_otlp_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "database_url": "DATABASE_URL",
    "artifacts_url": "ARTIFACTS_URL",
    "port": "PORT",
    "log_level": "FIRSTFIVE_LOG_LEVEL",
}


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the file that FIRSTFIVE_CONFIG names (or firstfive.toml, if there is one) and the environment.

    :raises ConfigRefused: the file is not there or not TOML, a key is unknown, a value is wrong.
    """
    named = environ.get("FIRSTFIVE_CONFIG", "")
    path = Path(named or DEFAULT_FILE)
    values = _parse(path) if named or path.exists() else {}
    for secret in SECRETS:
        if secret in values:
            raise ConfigRefused(f"{path}: {secret} is a secret; set {secret.upper()} in the environment instead.")
    values |= {key: environ[name] for key, name in FROM_ENVIRONMENT.items() if environ.get(name)}
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigRefused("\n".join(_explain(path, flaw) for flaw in error.errors(include_url=False))) from error


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigRefused(f"{path}: there is no such file. FIRSTFIVE_CONFIG names it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigRefused(f"{path}: cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigRefused(f"{path}: is not valid TOML: {error}.") from None


def _explain(path: Path, flaw: Mapping[str, Any]) -> str:
    loc = tuple(flaw["loc"])
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
    if loc and str(loc[0]) in FROM_ENVIRONMENT:
        return f"{FROM_ENVIRONMENT[str(loc[0])]} (environment): {flaw['msg']}."
    if flaw["type"] == "extra_forbidden":
        meant = get_close_matches(str(loc[-1]), _keys_beside(loc), n=1)
        hint = f" Did you mean {meant[0]!r}?" if meant else f" Known keys: {', '.join(_keys_beside(loc))}."
        return f"{path}: {where} is not a key.{hint}"
    if flaw["type"] == "missing":
        return f"{path}: {where} is missing."
    return f"{path}: {where}: {flaw['msg'].removeprefix('Value error, ')}."


_TABLES: Mapping[str, type[BaseModel]] = {
    "services": ServiceTable,
    "targets": TargetTable,
    "tls": TlsTable,
    "discovery": DiscoveryTable,
    "gate": GateTable,
    "forbidden": ForbiddenTable,
    "identities": IdentityTable,
    "links": LinkTable,
    "bundle": BundleTable,
    "postmortem": PostmortemTable,
    "audits": AuditsTable,
    "logs": LogsTable,
    "fields": FieldsTable,
    "bisect": BisectTable,
    "retention": RetentionTable,
    "rota": RotaTable,
    "alerts": AlertTable,
    "paging": PagingTable,
    "edges": EdgeTable,
    "digests": DigestTable,
    "drills": DrillTable,
    "reminders": RemindersTable,
    "updates": UpdatesTable,
    "timeline": TimelineTable,
    "sign_in": SignInTable,
    "telemetry": TelemetryTable,
    "canary": CanaryTable,
    "guard": GuardTable,
    **routers.TABLES,
}


def _keys_beside(loc: tuple[Any, ...]) -> list[str]:
    inside = [part for part in loc[:-1] if isinstance(part, str)]
    table = _TABLES[inside[-1]] if inside else Settings
    return [key for key in table.model_fields if key not in SECRETS]
