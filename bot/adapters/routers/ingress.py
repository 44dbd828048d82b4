"""A canary Ingress of ingress-nginx, by its annotations.

API: networking.k8s.io/v1; ingress-nginx, user guide, annotations, "Canary": rules are tried in the order
header, cookie, weight, so that marked requests reach the canary at weight 0 unless those two are taken away too.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bot.adapters.routers.api import MERGE, Api
from bot.domain.run import Missing
from bot.domain.traffic import Move, Route, Split

_PREFIX = "nginx.ingress.kubernetes.io/"
_CANARY, _WEIGHT, _TOTAL = f"{_PREFIX}canary", f"{_PREFIX}canary-weight", f"{_PREFIX}canary-weight-total"
_MARKS = tuple(f"{_PREFIX}canary-by-{name}" for name in ("header", "header-value", "header-pattern", "cookie"))
_OPENERS = {f"{_PREFIX}canary-by-header", f"{_PREFIX}canary-by-cookie"}
KEPT = "firstfive/marks"
"""The annotation that keeps what was taken away, so that it can be given back."""


class IngressDriver:
    """Changes annotations of the canary Ingress, and of nothing else."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def read(self, route: Route) -> Split | Missing:
        """Read the annotations; what nginx does follows them within its sync period, a second or so."""
        found = await self._fetch(route)
        if isinstance(found, Missing):
            return found
        notes = annotations(found)
        if notes.get(_CANARY) != "true":
            return Split(0.0, dyed=False, note=f"ingress {route.text('name')} is no canary")
        return Split(_weight(notes), dyed=_is_dyed(notes))

    async def earlier(self, route: Route) -> str | Missing:
        """Know of no releases: an Ingress names services."""
        del route
        return ""

    async def plan(self, route: Route, wanted: Split) -> tuple[Move, ...] | Missing:
        """Plan one patch for the weight and one for the marks."""
        found = await self._fetch(route)
        if isinstance(found, Missing):
            return found
        notes = annotations(found)
        if notes.get(_CANARY) != "true":
            nothing = not wanted.weight and not wanted.dyed
            return () if nothing else Missing(f"ingress {route.text('name')} is no canary: set {_CANARY}=true first")
        moves = []
        if wanted.weight is not None and _weight(notes) != wanted.weight:
            told = str(round(wanted.weight / 100 * _total(notes)))
            moves.append(_move(route, f"give the canary {wanted.weight:g} %", {_WEIGHT: told}))
        if wanted.dyed is False and _is_dyed(notes):
            taken = {name: notes[name] for name in _MARKS if name in notes}
            change = {**dict.fromkeys(taken), KEPT: json.dumps(taken, sort_keys=True)}
            moves.append(_move(route, "close the route of marked requests", change))
        if wanted.dyed and not _is_dyed(notes):
            given = _kept(notes)
            if not given:
                name = f"ingress {route.text('name')}"
                return Missing(f"{name} has no rule for marked requests that could be opened again")
            moves.append(_move(route, "open the route of marked requests", {**given, KEPT: None}))
        return tuple(moves)

    async def make(self, route: Route, move: Move) -> Missing | None:
        """Set the annotations, unless somebody else changes the Ingress at the same moment."""
        found = await self._fetch(route)
        if isinstance(found, Missing):
            return found
        change, notes = json.loads(move.body["annotations"]), annotations(found)
        if all(notes.get(name) == value for name, value in change.items()):
            return None
        metadata = {"resourceVersion": found["metadata"].get("resourceVersion"), "annotations": change}
        done = await self._api.call(
            "PATCH", _address(route), body={"metadata": metadata}, kind=MERGE, ca_file=route.text("ca_file")
        )
        return done if isinstance(done, Missing) else None

    async def _fetch(self, route: Route) -> dict[str, Any] | Missing:
        found = await self._api.call("GET", _address(route), ca_file=route.text("ca_file"))
        where = f"ingress {route.text('namespace')}/{route.text('name')}"
        if isinstance(found, Missing):
            return Missing(f"{where}: {found.reason}")
        is_whole = isinstance(found, dict) and isinstance(found.get("metadata"), dict)
        return found if is_whole else Missing(f"{where}: the answer is no ingress")


def annotations(ingress: Mapping[str, Any]) -> dict[str, str]:
    """Give the annotations of an object."""
    return {str(key): str(value) for key, value in (ingress["metadata"].get("annotations") or {}).items()}


def _address(route: Route) -> str:
    namespace, name = quote(route.text("namespace"), safe=""), quote(route.text("name"), safe="")
    return f"{route.text('api')}/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}"


def _move(route: Route, words: str, change: Mapping[str, str | None]) -> Move:
    told = " ".join(f"{key}-" if value is None else f"{key}={json.dumps(value)}" for key, value in change.items())
    command = f"kubectl -n {route.text('namespace')} annotate --overwrite ingress {route.text('name')} {told}"
    return Move(words, command, {"annotations": json.dumps(change, sort_keys=True)})


def _total(notes: Mapping[str, str]) -> int:
    return int(notes[_TOTAL]) if notes.get(_TOTAL, "").isdigit() and int(notes[_TOTAL]) else 100


def _weight(notes: Mapping[str, str]) -> float:
    told = notes.get(_WEIGHT, "0")
    return 100 * int(told) / _total(notes) if told.isdigit() else 0.0


def _is_dyed(notes: Mapping[str, str]) -> bool:
    return any(notes.get(name) for name in _OPENERS)


def _kept(notes: Mapping[str, str]) -> dict[str, str]:
    """Read back what was taken away; only the annotations that this driver takes away count."""
    try:
        kept = json.loads(notes.get(KEPT, "{}"))
        return {name: str(kept[name]) for name in _MARKS if name in kept}
    except (ValueError, TypeError):
        return {}
