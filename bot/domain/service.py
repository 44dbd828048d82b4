"""What is watched: services, their targets, and the links a responder will want."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.access import Access
from bot.domain.addresses import host_and_port
from bot.domain.authority import People
from bot.domain.canary import CanaryPlan
from bot.domain.configured_actions import ConfiguredAction
from bot.domain.discovery import DiscoveryPlan
from bot.domain.dyeing import Front
from bot.domain.gate.policy import GatePolicy
from bot.domain.guard_plan import GuardPlan
from bot.domain.pods import PodsPlan
from bot.domain.traffic import Route

ERRORS, LATENCY = "errors", "latency"
"""What a service's own monitoring is asked for."""
# A service that never failed has no series of failures: that is 0, not unknown.
_ERRORS = (
    '(sum(rate(http_requests_total{job="$service",code=~"5.."}[5m])) or vector(0))'
    ' / sum(rate(http_requests_total{job="$service"}[5m]))'
)
_LATENCY = 'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{job="$service"}[5m])))'


@dataclass(frozen=True)
class Link:
    """A page worth having at hand during an incident."""

    title: str
    url: str


@dataclass(frozen=True)
class Target:
    """One process of a service.

    `pprof` is the base address under which `/debug/pprof/` is served, `url` is where it serves its
    users, `allow` the networks (CIDR) that its addresses must lie in, `access` what `pprof` wants to see. `agent` is
    where `firstfive agent` beside it answers, `agent_token` the variable of the environment with its token, `agent_ca`
    the file (PEM) of who signed its certificate, `agent_server_name` whom that names (empty: the host of `agent`).
    `log` is the file that it logs to, `binary` the program that is started there, if they are on this machine.
    `version` is the path below the origin of its `url` where it says which build it is, "" if nowhere. `https` is where
    it serves its users over TLS if that is not `url`, `ca` the file (PEM) of who signed for it, `server_name` whom its
    certificate must name (empty: the host); `h2`: they are to get HTTP/2 there. `pods` is where a cluster tells of it.
    """

    name: str
    service: str
    pprof: str
    url: str | None = None
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    access: Access = field(default=Access())
    agent: str | None = None
    agent_token: str = "FIRSTFIVE_AGENT_TOKEN"  # noqa: S105 - the variable's name
    agent_ca: str = ""
    agent_server_name: str = ""
    log: str | None = None
    binary: str | None = None
    version: str = ""
    https: str | None = None
    ca: str = ""
    server_name: str = ""
    h2: bool = False
    pods: PodsPlan | None = None

    @property
    def secure_url(self) -> str | None:
        """Where it serves its users over TLS, if it does."""
        return self.https or (self.url if self.url and self.url.startswith("https://") else None)

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports in its addresses, that of `pprof` first.

        :raises AddressRefused: an address is none.
        """
        urls = [self.pprof, *([self.url] if self.url else [])]
        return tuple(dict.fromkeys(host_and_port(url)[1] for url in urls))

    @property
    def tells_log(self) -> bool:
        """Whether its log can be asked for."""
        return bool(self.agent or self.log)


@dataclass(frozen=True)
class Edge:
    """A path as users get it through caches.

    `max_age_s` is how old it may be, `cache_control` the directives it must come with, `addresses` where it is asked
    (every address of its name if empty), `allow` the networks (CIDR) they must lie in.
    """

    url: str
    max_age_s: float | None = None
    cache_control: str = ""
    addresses: tuple[str, ...] = ()
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True)
class ReminderRules:
    """When the channel of an incident is reminded: minutes (0: never), and how often at most until something changes.

    `approval_min` is counted back from when a request expires. `quiet_min`: nobody is reminded so soon after somebody
    wrote or decided something.
    """

    no_commander_min: int = 5
    no_update_min: int = 30
    not_resolved_min: int = 1_440
    approval_min: int = 3
    quiet_min: int = 2
    at_most: int = 3


@dataclass(frozen=True)
class UpdateRules:
    """Within how many minutes of an update the next one is promised, by severity; 0: only if somebody says so."""

    sev1_min: int = 30
    sev2_min: int = 30
    sev3_min: int = 0
    sev4_min: int = 0


@dataclass(frozen=True)
class DigestPlan:
    """Whose digest, when (a cron line in a time zone), where, over which services.

    `stalk` posts only when something changed; a slot that was missed is made up for within `grace_min` minutes.
    """

    team: str
    cron: str
    timezone: str
    channel: str
    services: tuple[str, ...]
    stalk: bool = False
    grace_min: int = 60


@dataclass(frozen=True)
class Regression:
    """What tells whether a service is well at a commit: a test of Go in the folder `package`, or a `command`."""

    test: str = ""
    package: str = "."
    command: str = ""


@dataclass(frozen=True)
class DrillPlan:
    """A drill that is due by itself: on which lab, when (a cron line in a time zone), of which class; "": blind.

    A slot that was missed is made up for within `grace_min` minutes.
    """

    service: str
    cron: str
    timezone: str = "UTC"
    fault: str = ""
    size: str = "medium"
    grace_min: int = 15


@dataclass(frozen=True)
class Service:
    """A named group of targets that run the same program: those that are named, and those that `discovery` finds.

    What is to be deployed there has to pass its `gate`.

    A bisect that is told nothing else runs `regression`. A drill may make a `lab` sick; `lab_switches` is where the lab
    itself can be switched, beside its targets. `latency_slo_s` is within how many seconds it promises to answer, `hops`
    the services that a request through it passes after it, in that order. `guard`: how its builds are looked after.
    """

    name: str
    targets: tuple[Target, ...]
    repository: str | None = None
    prometheus: str | None = None
    links: tuple[Link, ...] = field(default=())
    error_query: str = ""
    latency_query: str = ""
    latency_slo_s: float | None = None
    hops: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()
    route: Route | None = None
    canary: CanaryPlan | None = None
    front: Front | None = None
    gate: GatePolicy | None = None
    actions: tuple[ConfiguredAction, ...] = ()
    people: People = field(default=People())
    discovery: DiscoveryPlan | None = None
    regression: Regression | None = None
    lab: bool = False
    lab_switches: str | None = None
    guard: GuardPlan | None = None

    @property
    def queries(self) -> Mapping[str, str]:
        """The queries (PromQL) of its share of failed requests, 0..1, and of its P95 in seconds."""
        known = {ERRORS: self.error_query or _ERRORS, LATENCY: self.latency_query or _LATENCY}
        return {name: query.replace("$service", self.name) for name, query in known.items()}

    @property
    def stage(self) -> Target | None:
        """The lab itself, asked for its switches like a target."""
        return Target("the lab", self.name, self.lab_switches) if self.lab_switches else None


@dataclass(frozen=True)
class MarkRules:
    """By what a message comes onto the timeline: reactions by name, a pin; files of at most so many bytes with it."""

    reactions: tuple[str, ...] = ("pushpin", "stopwatch")
    pins: bool = True
    file_max_bytes: int = 10_000_000


@dataclass(frozen=True)
class BisectRules:
    """How long a bisect may take, in minutes; `trusted`: what it runs is not kept apart from anything.

    `invite`: whoever wrote a culprit that is sure is brought in without being asked for.
    """

    minutes: int = 60
    trusted: bool = False
    invite: bool = False


@dataclass(frozen=True)
class Catalog:
    """What the configuration says about the watched world: services by name, who is called at 5:00, defaults.

    `on_call` holds chat mentions or names; `default_severity` is used when none was typed. `retention_days` (of words)
    and `runs_days` (of runs that belong to no incident) keep everything when 0. A drill ends by itself after so many
    minutes as `drill_min` says.
    """

    services: tuple[Service, ...] = ()
    on_call: tuple[str, ...] = ()
    default_severity: str = "SEV2"
    announcements: str = ""
    digests: tuple[DigestPlan, ...] = ()
    drills: tuple[DrillPlan, ...] = ()
    drill_min: int = 30
    reminders: ReminderRules = ReminderRules()
    updates: UpdateRules = UpdateRules()
    retention_days: int = 0
    runs_days: int = 30
    bundle_max_bytes: int = 50_000_000
    marks: MarkRules = MarkRules()
    bisect: BisectRules = BisectRules()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all services, in the order of the configuration."""
        return tuple(service.name for service in self.services)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the environment that targets need: of headers, and of the agents' tokens."""
        targets = [target for service in self.services for target in service.targets]
        plans = [service.discovery for service in self.services if service.discovery]
        accesses = [*(target.access for target in targets), *(plan.access for plan in plans)]
        tokens = [target.agent_token for target in targets if target.agent]
        tokens += [plan.agent_token for plan in plans if plan.agent_port]
        return (*(variable for access in accesses for _, variable in access.headers), *tokens)

    def service(self, name: str) -> Service | None:
        """Give a service by its name."""
        return next((service for service in self.services if service.name == name), None)
