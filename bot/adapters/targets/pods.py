"""Asks a cluster how the container of a target is probed and how it ended; and the target what its probes get.

API: core/v1 pods and events, read only (`get`, `list` in the namespace). One list of pods serves all targets of a look.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import httpx

from bot.adapters.targets.access import unverified
from bot.adapters.targets.answers import head, one_line
from bot.adapters.targets.network import PinnedTransport, Resolver, locate, resolve_by_system
from bot.domain.addresses import AddressRefused, Endpoint
from bot.domain.pods import PodsPlan, find_pod, tell_pod
from bot.domain.run import Missing
from bot.domain.service import Target
from bot.domain.snapshot import Captured, Part, PartStatus, captured, missed, skipped

_FRESH_S = 2.0
_ANSWER_S = 3.5
"""A probe that takes longer is told to take so long: most clusters wait one second."""
_AGAIN_S = 0.2
"""Who does not listen may do so in a moment: it is being started again."""
_SAID_BYTES = 2_000
_NOBODY = "nobody listens"
_SENT = {"User-Agent": "firstfive"}
_MOST_EVENTS = 200


class Cluster(Protocol):
    """The API of a cluster."""

    async def call(self, method: str, url: str, *, ca_file: str = "") -> Any | Missing:
        """Give the JSON that a call is answered with; or why there is none."""


class Pods:
    """Captures `restarts.json` of targets that have a pod."""

    def __init__(
        self,
        cluster: Cluster,
        resolver: Resolver = resolve_by_system,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._resolver = resolver
        self._monotonic = monotonic
        self._listing: dict[PodsPlan, tuple[float, asyncio.Task[list[Any] | Missing]]] = {}

    async def capture(self, target: Target, part: Part) -> Captured:
        """Capture what the cluster tells of a target's container; skipped where no pod is that target."""
        started = self._monotonic()
        if (plan := target.pods) is None:
            return skipped(target.name, part, f"{target.name}: no pods are configured")
        try:
            async with asyncio.timeout(part.timeout_s):
                endpoint = await locate(target.pprof, target.allow, self._resolver, part.timeout_s)
                told = await self._tell(target, plan, endpoint)
        except AddressRefused as refused:
            return missed(target.name, part, f"{target.name}: {refused}")
        except TimeoutError:
            late = f"{target.name}: {plan.api} did not tell of its pod within {part.timeout_s:g} s"
            return missed(target.name, part, late, part.timeout_s, PartStatus.LATE)
        elapsed_s = self._monotonic() - started
        if isinstance(told, Missing):
            why = f"{target.name}: its pod is not known: {told.reason}"
            status = PartStatus.SKIPPED if plan.owner else PartStatus.FAILED  # nobody has asked for it by `pods`
            return missed(target.name, part, why, elapsed_s, status)
        if not told:
            return skipped(target.name, part, f"{target.name}: no pod in {plan.namespace} has its name or address")
        return captured(target.name, part, json.dumps(told, indent=1).encode(), elapsed_s)

    async def ask(self, target: Target, paths: Sequence[str]) -> dict[str, Any] | Missing:
        """Ask a target for paths as a probe does, at where it serves its users; give what each is answered."""
        if target.url is None:
            return Missing(f"{target.name} has no `url` to ask for its health")
        url = httpx.URL(target.url)
        try:
            endpoint = await locate(target.url, target.allow, self._resolver, _ANSWER_S)
        except AddressRefused as refused:
            return Missing(f"{target.name}: {refused}")
        asked = [{"scheme": url.scheme, "port": endpoint.port, "path": path} for path in paths]
        answers = await asyncio.gather(*(self._ask(endpoint, each, 0.0) for each in asked))
        return dict(zip(paths, answers, strict=True))

    async def _tell(self, target: Target, plan: PodsPlan, endpoint: Endpoint) -> Mapping[str, Any] | Missing:
        pods = await self._pods(plan)
        if isinstance(pods, Missing):
            return pods
        pod = find_pod(pods, target.name, endpoint.addresses, target.ports)
        events = await self._events(plan, pod) if pod else []
        if isinstance(events, Missing):
            return events
        told = tell_pod(pod, events, target.ports, plan.container) if pod else {}
        if not told:
            return {}
        kinds = [kind for kind in ("liveness", "readiness") if told["probes"].get(kind, {}).get("kind") == "http"]
        again_s = _ANSWER_S if told["state"]["is"] == "running" else 0.0
        answers = await asyncio.gather(*(self._ask(endpoint, told["probes"][kind], again_s) for kind in kinds))
        return told | {"at": datetime.now(UTC).isoformat(), "answers": dict(zip(kinds, answers, strict=True))}

    async def _pods(self, plan: PodsPlan) -> list[Any] | Missing:
        """List the pods; whoever asks within two seconds shares the answer."""
        at, listing = self._listing.get(plan, (0.0, None))
        if listing is None or self._monotonic() - at > _FRESH_S or listing.get_loop() is not asyncio.get_running_loop():
            listing = asyncio.create_task(self._list(plan))
            self._listing[plan] = self._monotonic(), listing
        return await asyncio.shield(listing)

    async def _list(self, plan: PodsPlan) -> list[Any] | Missing:
        selector = plan.selector or await self._selector(plan)
        if isinstance(selector, Missing):
            return selector
        return await self._items(plan, "pods", {"labelSelector": selector})

    async def _selector(self, plan: PodsPlan) -> str | Missing:
        """Read which labels the pods of a Deployment or Rollout have."""
        group, version, plural, name = plan.owner.split("/")
        place = f"{plan.api}/apis/{group}/{version}/namespaces/{quote(plan.namespace, safe='')}/{plural}"
        found = await self._cluster.call("GET", f"{place}/{quote(name, safe='')}", ca_file=plan.ca_file)
        if isinstance(found, Missing):
            return found
        try:
            labels = found["spec"]["selector"]["matchLabels"]
            return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        except (KeyError, TypeError, AttributeError):
            return Missing(f"{plan.owner} selects its pods by no labels: give `pods.selector`")

    async def _events(self, plan: PodsPlan, pod: Mapping[str, Any]) -> list[Any] | Missing:
        about = {"involvedObject.kind": "Pod", "involvedObject.name": pod["metadata"].get("name", "")}
        fields = ",".join(f"{key}={value}" for key, value in about.items())
        return await self._items(plan, "events", {"fieldSelector": fields, "limit": str(_MOST_EVENTS)})

    async def _items(self, plan: PodsPlan, what: str, query: Mapping[str, str]) -> list[Any] | Missing:
        url = f"{plan.api}/api/v1/namespaces/{quote(plan.namespace, safe='')}/{what}?{urlencode(query)}"
        found = await self._cluster.call("GET", url, ca_file=plan.ca_file)
        if isinstance(found, Missing):
            return found
        items = found.get("items") if isinstance(found, dict) else None
        return items if isinstance(items, list) else Missing(f"the answer is no list of {what}")

    async def _ask(self, endpoint: Endpoint, probe: Mapping[str, Any], again_s: float) -> dict[str, Any]:
        """Ask as the kubelet does, certificates not verified, redirects not followed; again while nobody listens."""
        port = probe["port"] if isinstance(probe["port"], int) else endpoint.port
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        url = f"{probe['scheme']}://{host}:{port}{probe['path']}"
        transport = PinnedTransport(
            Endpoint(endpoint.host, port, endpoint.addresses), _unverified() if probe["scheme"] == "https" else None, 1
        )
        began = self._monotonic()
        async with httpx.AsyncClient(transport=transport, trust_env=False, headers=_SENT) as client:
            while True:
                started = self._monotonic()
                status, said = await _answer(client, url, max(began + _ANSWER_S - started, 0.0))
                if said != _NOBODY or self._monotonic() + _AGAIN_S > began + again_s:
                    break
                await asyncio.sleep(_AGAIN_S)
        return {"status": status, "seconds": round(self._monotonic() - started, 4), "said": one_line(said, 300)}


async def _answer(client: httpx.AsyncClient, url: str, seconds: float) -> tuple[int, str]:
    """Give status and beginning of an answer; status 0 and why where there was none."""
    try:
        async with asyncio.timeout(seconds), client.stream("GET", url, timeout=None) as response:
            body = await head(response.aiter_raw(), _SAID_BYTES)
            return response.status_code, body.decode("utf-8", "replace")
    except TimeoutError:
        return 0, f"no answer within {seconds:.1f} s"
    except httpx.ConnectError:
        return 0, _NOBODY
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return 0, str(error) or type(error).__name__


@cache
def _unverified() -> ssl.SSLContext:
    """Give the one that all probes share: httpx changes what a context offers, so that it is no other's."""
    return unverified()
