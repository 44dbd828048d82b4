"""The tables of the configuration: what each key may hold."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.domain.alerts import Do
from bot.domain.drills import Drilled, Size
from bot.domain.incident import Severity
from bot.domain.service import DrillPlan
from bot.domain.sumdb.notes import NoteRefused
from bot.domain.sumdb.source import DEFAULT as SUMDB
from bot.domain.sumdb.source import read_source
from bot.engine.slots import Slots


def _network(value: str) -> str:
    return str(ip_network(value, strict=False))


def _address(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value.rstrip("/")


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", value):
        raise ValueError("is one word of letters, digits, dots and dashes, at most 63, such as 'checkout'")
    return value


_WORD = r"^[A-Za-z0-9_.-]{1,64}$"

Network = Annotated[str, AfterValidator(_network)]
Address = Annotated[str, AfterValidator(_address)]
Name = Annotated[str, AfterValidator(_name)]


class Table(BaseModel):
    """A table: its keys are known, its values fixed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class LinkTable(Table):
    """A page that responders will want."""

    title: str
    url: Address


class EdgeTable(Table):
    """A path of a service as users get it through caches."""

    url: Address
    max_age_s: float | None = Field(None, ge=0)
    cache_control: str = ""
    addresses: tuple[str, ...] = ()
    allow: tuple[Network, ...] = ("127.0.0.0/8", "::1/128")

    @field_validator("addresses")
    @classmethod
    def _are_addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_address(each)) for each in addresses)


class FrontTable(Table):
    """The address that users of a service go through, how requests are marked there, how an answer tells its track."""

    url: Address
    path: str = Field("/", pattern="^/[^ ?#]*$")
    header: str = Field("X-Release-Phase", pattern=_WORD)
    argument: str = Field("release_phase", pattern=_WORD)
    cookie: str = Field("release_phase", pattern=_WORD)
    track: str = Field("X-Track", pattern=_WORD)
    build: str = ""
    canary: str = "canary"
    allow: tuple[Network, ...] = ("127.0.0.0/8", "::1/128")


class BundleTable(Table):
    """Where bundles of incidents go, and how large one may be."""

    repository: str = Field("", pattern="^($|[^-].*$)")
    branch: str = Field("incidents", pattern=r"^[A-Za-z0-9][A-Za-z0-9_/-]{0,99}$")
    max_mb: int = Field(50, ge=1, le=2_000)


class PostmortemTable(Table):
    """How postmortems are written: a folder of templates of one's own; "" for those that are shipped."""

    templates: str = ""

    @field_validator("templates")
    @classmethod
    def _folder(cls, templates: str) -> str:
        if templates and not Path(templates).is_dir():
            raise ValueError(f"there is no folder {templates!r}")
        return templates


class AuditsTable(Table):
    """What audits ask beyond the services: the checksum database of Go's modules, written as GOSUMDB; "" for none."""

    sumdb: str = SUMDB

    @field_validator("sumdb")
    @classmethod
    def _is_one(cls, text: str) -> str:
        try:
            read_source(text)
        except NoteRefused as refused:
            raise ValueError(str(refused)) from refused
        return text


class TelemetryTable(Table):
    """Where spans are sent: a collector that takes OTLP over HTTP; under which name, and which share of the traces."""

    endpoint: Address | None = None
    service_name: str = Field("firstfive", min_length=1)
    ratio: float = Field(1.0, ge=0, le=1)


class RetentionTable(Table):
    """After how many days the words of ended incidents are blanked, and what ran is forgotten; 0 keeps them."""

    days: int = Field(0, ge=0, le=36_500)
    runs_days: int = Field(30, ge=0, le=36_500)


class AlertTable(Table):
    """A rule for alerts: those whose labels fit `match` get this service and severity, and this is done."""

    match: dict[str, str] = {}
    service: str = ""
    severity: Severity | None = None
    do: Do | None = None


class PagingTable(Table):
    """Where pages to people go; keys come from the environment."""

    webhook: Address | None = None
    pagerduty_url: Address = "https://events.pagerduty.com"
    pagerduty_api_url: Address = "https://api.pagerduty.com"
    opsgenie_url: Address = "https://api.opsgenie.com"


class Timetable(Table):
    """When something is due: a cron line, in a time zone."""

    cron: str
    timezone: str = "UTC"

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, cron: str) -> str:
        return Slots(cron).cron

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, timezone: str) -> str:
        return Slots("0 0 * * *", timezone).timezone


class DigestTable(Timetable):
    """A team's digest: when, where, over which services (all of them, if none is named)."""

    team: Name
    channel: str = Field(min_length=1)
    services: tuple[str, ...] = ()
    stalk: bool = False
    grace_min: int = Field(60, ge=1, le=10_080)


class DrillTable(Timetable):
    """A drill that is due by itself: on which lab, when, of which class, or blind."""

    service: Name
    fault: Drilled | None = Field(None, alias="class")
    blind: bool = False
    size: Size = Size.MEDIUM
    grace_min: int = Field(15, ge=1, le=10_080)

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if self.blind == (self.fault is not None):
            raise ValueError("a drill needs a `class`, or `blind = true` for one that nobody is told; not both")
        return self

    def plan(self) -> DrillPlan:
        """Give it as the domain knows it."""
        fault = self.fault.value if self.fault else ""
        return DrillPlan(self.service, self.cron, self.timezone, fault, self.size.value, self.grace_min)


class RemindersTable(Table):
    """When an incident's channel is reminded: minutes, 0 for never; how often at most until something changes."""

    no_commander_min: int = Field(5, ge=0, le=10_080)
    no_update_min: int = Field(30, ge=0, le=10_080)
    not_resolved_min: int = Field(1_440, ge=0, le=43_200)
    approval_min: int = Field(3, ge=0, le=9)
    quiet_min: int = Field(2, ge=0, le=1_440)
    at_most: int = Field(3, ge=0, le=100)


class RotaTable(Table):
    """Who says who is on call, and by which rota: a user group's handle, a schedule's id or name."""

    source: Literal["config", "usergroup", "pagerduty", "opsgenie"] = "config"
    name: str = ""


class UpdatesTable(Table):
    """Within how many minutes of an update the next is promised, by severity; 0: none is."""

    sev1_min: int = Field(30, ge=0, le=10_080)
    sev2_min: int = Field(30, ge=0, le=10_080)
    sev3_min: int = Field(0, ge=0, le=10_080)
    sev4_min: int = Field(0, ge=0, le=10_080)


class TimelineTable(Table):
    """By what a message comes onto the timeline: the names of reactions, a pin; the largest file that comes with it."""

    reactions: tuple[str, ...] = ("pushpin", "stopwatch")
    pins: bool = True
    files_max_mb: int = Field(10, ge=0, le=1_000)

    @field_validator("reactions")
    @classmethod
    def _without_colons(cls, reactions: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.strip(":") for name in reactions)
