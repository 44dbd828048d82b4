"""What a ground is that the contract of Router is tried on, and how a router can be ill."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bot.domain.service import Service
from bot.domain.traffic import CLOSED, EMPTIED, Route, Split
from bot.ports import Router

SHORT_S = 0.25
ABSENT, SILENT, GARBAGE, LOST = "absent", "silent", "garbage", "lost"
ILLS = (ABSENT, SILENT, GARBAGE)

OPEN = Split(weight=10.0, dyed=True)
AWAY = (CLOSED, EMPTIED, Split(weight=50.0), Split(weight=5.0, dyed=False), Split(dyed=False))


@dataclass
class Ground:
    """A router and a service behind it. At first it does `begun`; `away` are the splits it is taken to from there.

    `share` sends so many requests, marked or not, and counts which track answered; None where nothing real is sent.
    `toml` is its table in firstfive.toml.
    `ill` gives a router that is ill in a way, and a service behind it; with LOST it does what it is told, and every
    answer is lost.
    """

    router: Router
    service: Service
    ill: Callable[[str], AbstractContextManager[tuple[Router, Service]]]
    share: Callable[[int, bool], Counter[str]] | None = None
    toml: str = ""
    begun: Split = OPEN
    away: tuple[Split, ...] = AWAY


def behind(route: Route) -> Service:
    return Service("checkout", (), route=route)
