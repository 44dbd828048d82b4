"""Pushes what the guard found to a Pushgateway of Prometheus: a group for each service and environment."""

from base64 import b64encode
from collections.abc import Callable, Collection, Mapping

import httpx
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from bot.domain.checks import Check, ok, warn
from bot.domain.guard_plan import Reason
from bot.domain.redaction import redact
from bot.domain.run import Missing
from bot.ports import Group

JOB = "firstfive_guard"
METRIC = "build_consistency_violation"
_HELP = "Targets of the service whose build is not what it should be, by reason; 0 where the reason holds for none."
_TIMEOUT_S = 5.0
_READ, _REASON = 4096, 160
_TEXT = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}


class Pushgateway:
    """The Gateway port. PUT replaces all that a group held: what holds no more is gone.

    Others push there too, other bots among them: no group is deleted that it is not told to delete.
    """

    def __init__(self, base: str | None, token: str = "", transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Push to an address; None: none is configured. `token`: a bearer token, or `user:password`."""
        self._base = base or ""
        self._scheme, self._proof = _proof(token)
        self._secrets = [each for each in (token, self._proof, token.partition(":")[2]) if each]
        self._transport = transport

    @property
    def place(self) -> str:
        """Where it is, without secrets; "" when none is configured."""
        return redact(self._base)

    async def push(self, service: str, env: str, counts: Mapping[Reason, int]) -> Missing | None:
        """Replace what is told of a service in an environment."""
        told = await self._ask("PUT", _path(service, env), _exposition(env, counts))
        return told if isinstance(told, Missing) else None

    async def forget(self, groups: Collection[Group]) -> Missing | None:
        """Delete these groups; one that is not there is deleted already."""
        for service, env in sorted(groups):
            if isinstance(gone := await self._ask("DELETE", _path(service, env)), Missing):
                return gone
        return None

    async def checks(self) -> list[Check]:
        """Say whether it answers, and to what it is shown; nothing where none is configured. It is asked, not told."""
        if not self.place:
            return []
        told = await self._ask("GET", "/api/v1/status")
        if isinstance(told, Missing):
            said = f"{told.reason}; what the build guard finds is not pushed"
        else:
            try:
                version = told.json()["data"]["build_information"]["version"]
                return [ok("pushgateway", f"{self.place} answers, version {version}")]
            except (ValueError, KeyError, TypeError):
                said = f"{self.place} does not tell its version: is it a Pushgateway?"
        mend = "start it, or correct `pushgateway` or FIRSTFIVE_PUSHGATEWAY_TOKEN: docs/build-guard.md"
        return [warn("pushgateway", said, mend)]

    async def _ask(self, method: str, path: str, content: bytes = b"") -> httpx.Response | Missing:
        try:
            async with httpx.AsyncClient(
                timeout=_TIMEOUT_S, trust_env=False, transport=self._transport, follow_redirects=False, auth=self._shown
            ) as client:
                answer = await client.request(method, self._base + path, content=content, headers=_TEXT)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Missing(f"{self.place} {self._without_secrets(str(error)) or type(error).__name__}")
        if answer.is_success:
            return answer
        said = self._without_secrets(" ".join(answer.text[:_READ].split()))
        return Missing(f"{self.place} answered {answer.status_code}: {said}".rstrip(": "))

    @property
    def _shown(self) -> Callable[[httpx.Request], httpx.Request] | None:
        """What shows who asks; None: the name and password of the address, if it has any."""
        return self._show if self._proof else None

    def _show(self, request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"{self._scheme} {self._proof}"
        return request

    def _without_secrets(self, text: str) -> str:
        """Shorten what a stranger said, who may have said again what it was shown."""
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return redact(text)[:_REASON]


def _proof(token: str) -> tuple[str, str]:
    """Give the scheme of a token and what is shown by it. No bearer token has a colon (RFC 6750)."""
    return ("Basic", b64encode(token.encode()).decode()) if ":" in token else ("Bearer", token)


def _path(service: str, env: str) -> str:
    """Name a group. Neither name has a sign that an address could not hold; an empty label is one that is not there."""
    return f"/metrics/job/{JOB}/service/{service}{f'/env/{env}' if env else ''}"


def _exposition(env: str, counts: Mapping[Reason, int]) -> bytes:
    registry = CollectorRegistry()
    gauge = Gauge(METRIC, _HELP, ("env", "reason"), registry=registry)
    for reason, count in counts.items():
        gauge.labels(env, reason.value).set(count)
    return generate_latest(registry)
