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
