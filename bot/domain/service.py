"""What is watched: services, their targets, and the links a responder will want."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Link:
    """A page worth having at hand during an incident."""

    title: str
    url: str


@dataclass(frozen=True)
class Target:
    """One process of a service.

    `pprof` is the base address under which `/debug/pprof/` is served, `url` is where it serves its
    users, `allow` the networks (CIDR) that its addresses must lie in.
    """

    name: str
    service: str
    pprof: str
    url: str | None = None
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True)
class Service:
    """A named group of targets that run the same program."""

    name: str
    targets: tuple[Target, ...]
    repository: str | None = None
    prometheus: str | None = None
    links: tuple[Link, ...] = field(default=())


@dataclass(frozen=True)
class Catalog:
    """What the configuration says about the watched world: services by name, who is called at 5:00, defaults.

    `on_call` holds chat mentions or names; `default_severity` is used when none was typed; `retention_days` 0 keeps
    everything.
    """

    services: tuple[Service, ...] = ()
    on_call: tuple[str, ...] = ()
    default_severity: str = "SEV2"
    retention_days: int = 0
    bundle_max_bytes: int = 50_000_000

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all services, in the order of the configuration."""
        return tuple(service.name for service in self.services)

    def service(self, name: str) -> Service | None:
        """Give a service by its name."""
        return next((service for service in self.services if service.name == name), None)
