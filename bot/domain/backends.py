"""What a router counts of each of its backends, read twice: which requests were lost at which target."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.addresses import AddressRefused, host_and_port
from bot.domain.service import Target


@dataclass(frozen=True)
class Backend:
    """What a router has counted of a backend since it began to: requests for it, failed ones, refused connections.

    `address` is host:port, "" where it is not told. `state` is what the router takes it for, in its own words.
    """

    name: str
    address: str
    state: str
    sent: int
    failed: int
    refused: int


@dataclass(frozen=True)
class Reading:
    """What a router said of all backends at a moment (aware)."""

    at: datetime
    backends: tuple[Backend, ...]


@dataclass(frozen=True)
class Asked:
    """What came of requests that we sent through the address that users go through; `why` of the first that failed."""

    requests: int = 0
    failed: int = 0
    why: str = ""

    def __str__(self) -> str:
        said = f"{self.failed} of {self.requests} failed"
        return f"{said} ({self.why})" if self.why else said


@dataclass(frozen=True)
class Routed:
    """What a router sent to one target between two readings, `seconds` apart; `total` is what it sent to all.

    `router` is its kind, `backend` its name for the target. `front`: what our own requests through it came to.
    """

    router: str
    backend: str
    state: str
    seconds: float
    sent: int
    failed: int
    refused: int
    total: int
    front: Asked = Asked()


def routed(
    router: str, first: Reading, second: Reading, targets: Iterable[Target], front: Asked | None = None
) -> Mapping[str, Routed]:
    """Give what each target got between two readings, by its name; of one that the router does not name, nothing.

    A counter that went back began anew: what it counts is not known.
    """
    spent, seconds = tuple(_spent(first, second)), (second.at - first.at).total_seconds()
    ours = {target.name: [each for each in spent if _is(each, target)] for target in targets}
    total = sum(each.sent for mine in ours.values() for each in mine)
    return {
        name: Routed(router, mine[0].name, mine[0].state, seconds, *_summed(mine), total, front or Asked())
        for name, mine in ours.items()
        if mine and seconds >= 0
    }


def _summed(backends: Sequence[Backend]) -> tuple[int, int, int]:
    """Add up what one target got as several backends: sent, failed, refused."""
    sent = sum(each.sent for each in backends)
    return sent, sum(each.failed for each in backends), sum(each.refused for each in backends)


def _spent(first: Reading, second: Reading) -> Iterator[Backend]:
    before = {(each.name, each.address): each for each in first.backends}
    for now in second.backends:
        was = before.get((now.name, now.address))
        if was is not None and now.sent >= was.sent and now.failed >= was.failed and now.refused >= was.refused:
            counted = (now.sent - was.sent, now.failed - was.failed, now.refused - was.refused)
            yield Backend(now.name, now.address, now.state, *counted)


def _is(backend: Backend, target: Target) -> bool:
    """Tell whether a backend is a target: by where it serves its users, or by its name."""
    try:
        host, port = host_and_port(target.url or "")
    except AddressRefused:
        return False
    return backend.address == f"{host}:{port}" or backend.name.rpartition("/")[2] == target.name
