"""Strict health: whether what runs is what should run. For who promotes a release, never for who restarts a process."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from bot.domain.errors import StoreUnusable
from bot.domain.facts import Build
from bot.domain.service import Service
from bot.domain.violations import Guarded, words
from bot.engine.guarding import OURSELVES, doubt, last_look, look_at_ourselves
from bot.engine.ports import Ports
from handlers.bodies import Json

_FRESH = {"Cache-Control": "no-store"}


def strict(ports: Ports) -> APIRouter:
    """Give the routes. They ask nobody's leave, so they name reasons and no commit, and tell no name that is not known.

    What was never looked at, not since it was deployed, or is not guarded at all, is not called consistent.
    """
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def healthz(
        strict: bool = False,  # noqa: FBT001, FBT002 - as it is in the query
        service: Annotated[str, Query(max_length=100)] = "",
        target: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        """Tell that the process runs; with `strict=1` also that it, or a service or target, runs what it should."""
        if not strict:
            return PlainTextResponse("live\n", headers=_FRESH)
        try:
            looks = await _looks(ports, service, target)
            doubts = {why for of, look in looks if (why := await doubt(ports, of, look, target))}
        except StoreUnusable as error:
            return _answer("unknown", [str(error)], [])
        seen = [look for _, look in looks]
        found = [each for look in seen for each in (look.of(target) if target else look.violations)]
        known = "unknown" if doubts or not seen else "inconsistent" if found else "consistent"
        return _answer(known, [*sorted(doubts), *words(found)], seen)

    @routes.get("/health/build")
    async def build() -> Response:
        """Tell which build of FirstFive this is, in words that the guard of another one reads."""
        return Json(_told(await ports.replica.build()), headers=_FRESH)

    return routes


async def _looks(ports: Ports, service: str, target: str) -> list[tuple[Service, Guarded]]:
    """Give the last looks at what is asked for, and of which service each is; none where there was none."""
    if not (service or target):
        return [(Service(OURSELVES, ()), await look_at_ourselves(ports))]
    kept = [(each, await last_look(ports, each)) for each in _guarded(ports, service)]
    looks = [(each, look) for each, look in kept if look is not None]
    return [(each, look) for each, look in looks if (target in look.targets if target else look.targets)]


def _guarded(ports: Ports, service: str) -> Iterator[Service]:
    return (each for each in ports.catalog.services if each.guard is not None and service in {"", each.name})


def _answer(status: str, reasons: Sequence[str], looks: Sequence[Guarded]) -> Response:
    as_of = min((each.at for each in looks), default=None)
    body = {"status": status, "reasons": list(reasons), "as_of": as_of.isoformat(timespec="seconds") if as_of else None}
    return Json(body, 200 if status == "consistent" else 503, headers=_FRESH)


def _told(build: Build) -> dict[str, str | bool | None]:
    return {"release": build.release, "revision": build.revision, "modified": build.modified}
