"""Asks `firstfive agent` beside a target for what only that target's own machine knows."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import httpx

from bot.adapters.targets import answers
from bot.adapters.targets.access import Keyring
from bot.adapters.targets.network import Resolver, locate, resolve_by_system
from bot.domain.access import Access, Tls, check_in_clear, mask, secrets_of
from bot.domain.agent import (
    HEADER,
    MAX_ANSWER_BYTES,
    PATHS,
    PROTOCOL,
    TOKEN,
    AgentAnswerMalformed,
    decode,
)
from bot.domain.errors import TargetUnreachable
from bot.domain.service import Target
from bot.domain.snapshot import PART_TIMEOUT_S, Captured, Part, missed

RESOLVE_S = CONNECT_S = 2.0
ANSWER_S = PART_TIMEOUT_S + 2.0
"""It takes PART_TIMEOUT_S to read /proc at most, and may have to wait for somebody else's turn."""
SAID_BYTES = 4_096
LONGEST_PROTOCOL = 9
"""Digits of its number; a far longer one could not even be read."""


class AgentSilent(TargetUnreachable):
    """The agent beside a target does not tell; says what mends it."""


class Agents:
    """Asks agents over HTTP, each at an address that its target's allow-list holds."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str] = os.environ,
        resolver: Resolver = resolve_by_system,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`environ` holds the agents' tokens."""
        self._environ = environ
        self._resolver = resolver
        self._monotonic = monotonic
        self._keyring = Keyring(environ)

    async def capture(self, target: Target, parts: Sequence[Part]) -> tuple[Captured, ...]:
        """Capture parts, each recorded whatever becomes of it; those that come with one answer are asked for once."""
        groups: dict[str, list[Part]] = {}
        for part in parts:
            groups.setdefault(PATHS[part.name], []).append(part)
        found = await asyncio.gather(*(self._told(target, path, wanted) for path, wanted in groups.items()))
        done = {each.part: each for told in found for each in told}
        return tuple(done[part.name] for part in parts)

    async def _told(self, target: Target, path: str, parts: Sequence[Part]) -> Sequence[Captured]:
        started = self._monotonic()
        try:
            answer = await self._ask(target, path, parts)
            found = decode(target.name, parts, answer, self._monotonic() - started)
        except (TargetUnreachable, AgentAnswerMalformed) as error:
            reason = f"{target.name}: agent {target.agent}: {error}".replace("tls.", "agent_")
            return [missed(target.name, part, reason, self._monotonic() - started) for part in parts]
        return [_shown(each) for each in found]

    async def _ask(self, target: Target, path: str, parts: Sequence[Part]) -> bytes:
        """Ask once, within time.

        :raises TargetUnreachable: there was no answer to be used.
        """
        url, token = str(target.agent), self._token(target)
        seconds = sum(_seconds(part) for part in parts)
        query = httpx.QueryParams({"port": target.ports, **({"seconds": seconds} if seconds else {})})
        endpoint = await locate(url, target.allow, self._resolver, RESOLVE_S)
        check_in_clear(target.access, url, endpoint.addresses, target.agent_token)
        tls = Tls(ca=target.agent_ca, server_name=target.agent_server_name)
        access = Access(tls=None if tls == Tls() else tls)
        transport = await self._keyring.transport(access, url, endpoint, 1)
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "firstfive", "Accept-Encoding": "identity"}
        timeout = httpx.Timeout(None, connect=CONNECT_S)
        try:
            async with (
                asyncio.timeout(ANSWER_S + seconds),
                httpx.AsyncClient(transport=transport, trust_env=False, timeout=timeout, headers=headers) as client,
                client.stream("GET", url + path, params=query) as response,
            ):
                return mask(await _body(response, target), secrets_of((token,)))
        except AgentSilent as silent:
            raise AgentSilent(mask(str(silent).encode(), secrets_of((token,))).decode()) from silent
        except TimeoutError:
            raise AgentSilent(f"no answer in {ANSWER_S + seconds:g} s: is its machine overloaded?") from None
        except httpx.TransportError as error:
            raise AgentSilent(answers.complaint(replace(parts[0], path=path), url, error, 0)) from error

    def _token(self, target: Target) -> str:
        token = self._environ.get(target.agent_token, "").strip()
        if not token:
            raise AgentSilent(f"{target.agent_token} is not set in FirstFive's environment: it is the agent's {TOKEN}")
        if not all(" " < sign <= "~" for sign in token):
            raise AgentSilent(f"{target.agent_token} holds what no token can: a blank, or a letter that is not ASCII")
        return token


async def _body(response: httpx.Response, target: Target) -> bytes:
    """Give the body of a good answer of an agent that we understand; bounded.

    :raises AgentSilent: it is not.
    """
    protocol = response.headers.get(HEADER, "").partition(" ")[0]
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE and not protocol:
        raise AgentSilent("too many ask it at once, or a proxy in between has no agent to ask (503)")
    if not protocol.isdecimal() or len(protocol) > LONGEST_PROTOCOL:
        raise AgentSilent(f"what answers there ({response.status_code}) is not `firstfive agent`: correct `agent`")
    if int(protocol) != PROTOCOL or response.status_code == httpx.codes.NOT_FOUND:
        older = "update it" if int(protocol) <= PROTOCOL else "update FirstFive"
        raise AgentSilent(f"it is of another release ({answers.one_line(response.headers[HEADER], 20)}): {older}")
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise AgentSilent(f"wrong token: {target.agent_token} here is not the {TOKEN} it was started with")
    if response.status_code != httpx.codes.OK:
        said = await answers.head(response.aiter_raw(), SAID_BYTES)
        raise AgentSilent(_reason(said, response.status_code))
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise AgentSilent(f"it answers more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _reason(body: bytes, status: int) -> str:
    """Say why an agent refuses, in its own words."""
    try:
        said = str(json.loads(body)["error"])
    except (ValueError, TypeError, LookupError, RecursionError):
        said = f"it answers {status}"
    return answers.one_line(said)


def _seconds(part: Part) -> int:
    return round(part.timeout_s - PART_TIMEOUT_S) if part.kind == "packets" else 0


def _shown(part: Captured) -> Captured:
    """Make what an agent says of a part fit to be shown."""
    return replace(part, error=answers.one_line(part.error, 300))
