"""Pushes what the guard found to a Pushgateway of Prometheus: one group for each service, replaced as a whole."""

from collections.abc import Collection, Mapping

import httpx
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from bot.domain.guard_plan import Reason
from bot.domain.redaction import redact
from bot.domain.run import Missing

JOB = "firstfive_guard"
METRIC = "build_consistency_violation"
_HELP = "Targets of the service whose build is not what it should be, by reason; 0 where the reason holds for none."
_TIMEOUT_S = 5.0
_REASON = 160
_TEXT = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}


class Pushgateway:
    """The Gateway port. PUT replaces all that a group held: what holds no more, and an old environment, are gone."""

    def __init__(self, base: str | None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Push to an address; None: none is configured."""
        self._base = base or ""
        self._transport = transport

    @property
    def place(self) -> str:
        """Where it is, without secrets; "" when none is configured."""
        return redact(self._base)

    async def push(self, service: str, env: str, counts: Mapping[Reason, int]) -> Missing | None:
        """Replace what is told of a service."""
        told = await self._ask("PUT", _group(service), _exposition(env, counts))
        return told if isinstance(told, Missing) else None

    async def forget(self, services: Collection[str]) -> Missing | None:
        """Delete the groups of services that are guarded no more."""
        told = await self._ask("GET", "/api/v1/metrics")
        if isinstance(told, Missing):
            return told
        try:
            labels = [group["labels"] for group in told.json()["data"]]
            mine = {each["service"] for each in labels if each.get("job") == JOB and "service" in each}
        except (ValueError, KeyError, TypeError, AttributeError):
            return Missing(f"{self.place} lists no groups: is it a Pushgateway?")
        for service in sorted(mine.difference(services)):
            if isinstance(gone := await self._ask("DELETE", _group(service)), Missing):
                return gone
        return None

    async def _ask(self, method: str, path: str, content: bytes = b"") -> httpx.Response | Missing:
        try:
            async with httpx.AsyncClient(
                timeout=_TIMEOUT_S, trust_env=False, transport=self._transport, follow_redirects=False
            ) as client:
                answer = await client.request(method, self._base + path, content=content, headers=_TEXT)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Missing(f"{self.place} {redact(str(error))[:_REASON] or type(error).__name__}")
        if answer.is_success:
            return answer
        said = " ".join(answer.text[:_REASON].split())
        return Missing(f"{self.place} answered {answer.status_code}: {redact(said)}".rstrip(": "))


def _group(service: str) -> str:
    return f"/metrics/job/{JOB}/service/{service}"  # a service's name has no sign that an address could not hold


def _exposition(env: str, counts: Mapping[Reason, int]) -> bytes:
    registry = CollectorRegistry()
    gauge = Gauge(METRIC, _HELP, ("env", "reason"), registry=registry)
    for reason, count in counts.items():
        gauge.labels(env, reason.value).set(count)
    return generate_latest(registry)
