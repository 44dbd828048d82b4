"""Envoy, by its admin address: a runtime key holds the canary's share, another whether marked requests reach it.

What is set there is held until Envoy restarts; then its configuration counts again, which `read` shows.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from bot.adapters.routers.asking import ask
from bot.adapters.routers.words import UNMARKED, change, short
from bot.domain.backends import Backend
from bot.domain.run import Missing
from bot.domain.traffic import Move, Route, Split

_TIMEOUT_S = 2.0
_OK = 200
_WHOLE = 100


class EnvoyDriver:
    """Sets both keys in one request, so that there is no half of it."""

    def __init__(self, timeout_s: float = _TIMEOUT_S) -> None:
        self._timeout_s = timeout_s

    async def read(self, route: Route) -> Split | Missing:
        """Read the values that count, whichever layer of its runtime they are of."""
        values = await self._values(route)
        if isinstance(values, Missing):
            return values
        weight = values[route.text("weight_key")]
        if not (dyed_key := route.text("dyed_key")):
            return Split(weight=float(weight), note=UNMARKED)
        return Split(weight=float(weight), dyed=values[dyed_key] > 0)

    async def backends(self, route: Route) -> tuple[Backend, ...] | Missing:
        """Read the counters of every host of its clusters; an error is an answer of 5xx, or none."""
        admin = route.text("admin")
        said = await self._ask("GET", f"{admin}/clusters?format=json")
        if isinstance(said, Missing):
            return said
        try:
            clusters = json.loads(said)["cluster_statuses"]
            hosts = [(each["name"], host) for each in clusters for host in each.get("host_statuses", ())]
            return tuple(_counted(cluster, host) for cluster, host in hosts)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Missing(f"{admin} answered what are not Envoy's clusters: {short(said)}")

    async def earlier(self, route: Route) -> str | Missing:  # noqa: ARG002 - the same for every route
        """Name no release: Envoy knows of none."""
        return ""

    async def plan(self, route: Route, wanted: Split) -> tuple[Move, ...] | Missing:
        """Plan one request that sets whatever is not as it is wanted."""
        now = await self.read(route)
        if isinstance(now, Missing):
            return now
        weight = now.weight if wanted.weight is None else float(round(wanted.weight))
        after = replace(now, weight=weight, dyed=now.dyed if None in {now.dyed, wanted.dyed} else wanted.dyed)
        body = {route.text("weight_key"): f"{weight:g}"} if weight != now.weight else {}
        body |= {route.text("dyed_key"): str(_WHOLE if after.dyed else 0)} if after.dyed != now.dyed else {}
        if not body:
            return ()
        command = f"curl -X POST '{_modify(route, body)}'"
        return (Move(f"{change(now, after)}, until Envoy restarts", command, body),)

    async def make(self, route: Route, move: Move) -> Missing | None:
        """Set the values, and see that they count."""
        said = await self._ask("POST", _modify(route, move.body))
        if isinstance(said, Missing):
            return said
        values = await self._values(route)
        if isinstance(values, Missing):
            return values
        for key, value in move.body.items():
            if values.get(key) != int(value):
                return Missing(
                    f"Envoy took {key}={value}, but another layer of its runtime says {values.get(key)}: "
                    "make `admin_layer: {}` the last of its layers"
                )
        return None

    async def _values(self, route: Route) -> Mapping[str, int] | Missing:
        """Give the values of our keys."""
        admin = route.text("admin")
        said = await self._ask("GET", f"{admin}/runtime")
        if isinstance(said, Missing):
            return said
        try:
            entries = json.loads(said)["entries"]
            found = {key: str(entry["final_value"]) for key, entry in entries.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Missing(
                f"{admin} answered what is not Envoy's runtime: {short(said)}; `admin` must be its admin address"
            )
        keys = [key for key in (route.text("weight_key"), route.text("dyed_key")) if key]
        for key in keys:
            if not found.get(key, "").isdecimal() or int(found[key]) > _WHOLE:
                said = f"says {short(found[key])} for {key}" if key in found else f"has no value for {key}"
                return Missing(f"Envoy's runtime {said}: give it one from 0 to 100 in a static layer of its runtime")
        return {key: int(found[key]) for key in keys}

    async def _ask(self, method: str, url: str) -> str | Missing:
        """Give the text of what the admin address answers, or say why there is none."""
        answer = await ask(method, url, self._timeout_s)
        if isinstance(answer, Missing):
            return Missing(f"{answer.reason}: look whether Envoy runs, and at `admin`")
        status, text = answer
        if status != _OK:
            hint = ": add `admin_layer: {}` to its layered_runtime" if "admin layer" in text else ""
            return Missing(f"{url.partition('?')[0]} answered {status} {short(text)}{hint}")
        return text


def _counted(cluster: str, host: Mapping[str, Any]) -> Backend:
    counted = {each["name"]: int(each.get("value", 0)) for each in host["stats"]}
    place, health = host["address"]["socket_address"], host["health_status"]
    address = f"{place['address']}:{place['port_value']}"
    failing = [word.replace("_", " ") for word, is_so in health.items() if is_so is True]
    state = ", ".join(failing) or str(health.get("eds_health_status", "not checked")).lower()
    sent = counted["rq_success"] + counted["rq_error"]
    return Backend(f"{cluster}/{address}", address, state, sent, counted["rq_error"], counted["cx_connect_fail"])


def _modify(route: Route, body: Mapping[str, str]) -> str:
    return f"{route.text('admin')}/runtime_modify?{urlencode(body)}"
