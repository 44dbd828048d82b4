"""Sends marked requests through a service, and looks in its log and in those behind it for what arrived."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import cycle, islice
from typing import Any

import httpx

from bot.adapters.targets.access import as_users_do
from bot.adapters.targets.answers import head, one_line
from bot.adapters.targets.network import PinnedTransport, Resolver, locate, resolve_by_system
from bot.domain.access import AccessMissing
from bot.domain.addresses import AddressRefused
from bot.domain.audits import Subject
from bot.domain.audits.tracing import Mark, names_another, unseen
from bot.domain.run import Missing
from bot.domain.service import Target
from bot.domain.snapshot import LOG
from bot.ports import Targets, Wanted, as_it_is

REQUESTS = 3
_TIMEOUT_S, _WAIT_S, _EVERY_S = 5.0, 3.0, 0.25
"""An answer may take so long; then lines come late, as logs and agents do; they are looked for so often."""
_OTHERS = 5
_BODY_BYTES = 65_536


class TracingLook:
    """Looks, and never raises for what it finds."""

    def __init__(
        self,
        targets: Targets,
        resolver: Resolver = resolve_by_system,
        random_hex: Callable[[int], str] = secrets.token_hex,
        wait_s: float = _WAIT_S,
    ) -> None:
        """`random_hex` gives so many random bytes; `wait_s` is how long lines are waited for after the last answer."""
        self._targets = targets
        self._resolver = resolver
        self._hex = random_hex
        self._wait_s = wait_s

    async def __call__(self, of: Wanted) -> Subject | Missing:
        """Send requests that are marked to those targets that have a `url`, one after the other."""
        if of.service is None:
            return Missing("tracing is looked at in a service that runs: name one")
        asked = [target for target in of.targets if target.url]
        if not asked:
            return Missing(f"no target of {of.service.name} has a `url` to send a request to")
        logs = _Logs(self._targets, {of.service.name: of.targets, **of.hops})
        await logs.read()
        logs.forget()
        sent = [await self._sent(target) for target in islice(cycle(asked), REQUESTS)]
        answered = [each for each in sent if not each["error"]]
        if not answered:
            return Missing(f"no marked request was answered: {sent[0]['error']}")
        marks = [Mark(each["trace"], each["span"], each["request"]) for each in answered]
        await self._await_lines(logs, marks)
        document = {"sent": answered, "hops": logs.described(marks)}
        dark = [f"{each['target']} did not answer: {each['error']}" for each in sent if each["error"]]
        if not of.hops:
            dark.append(f"what {of.service.name} asks in turn: name it in `hops`")
        way = ", ".join(hop["service"] for hop in document["hops"])
        looked = f"{len(answered)} marked requests, followed at {way}"
        return Subject(looked, document, (*dark, *logs.complaints(), *unseen(document)))

    async def _await_lines(self, logs: "_Logs", marks: list[Mark]) -> None:
        """Read logs until every hop that can be read names every mark, or time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait_s):
                while True:
                    await logs.read()
                    if logs.have(marks):
                        return
                    await asyncio.sleep(_EVERY_S)

    async def _sent(self, target: Target) -> dict[str, Any]:
        mark = Mark(self._hex(16), self._hex(8), f"firstfive-{self._hex(8)}")
        told = {"target": target.name, "trace": mark.trace, "span": mark.span, "request": mark.request}
        try:
            answer = await self._asked(target, mark)
        except (AddressRefused, AccessMissing) as refused:
            return {**told, "error": str(refused)}
        except (TimeoutError, httpx.TimeoutException):
            return {**told, "error": f"{target.url} gave no answer within {_TIMEOUT_S:g} s"}
        except httpx.HTTPError as error:
            return {**told, "error": one_line(str(error), 100) or type(error).__name__}
        return {**told, **answer, "error": ""}

    async def _asked(self, target: Target, mark: Mark) -> dict[str, Any]:
        url = str(target.url)
        endpoint = await locate(url, target.allow, self._resolver, _TIMEOUT_S)
        tls = await asyncio.to_thread(as_users_do, target, url)
        transport = PinnedTransport(endpoint, tls, 1, server_name=target.server_name)
        headers = {**mark.headers, "User-Agent": "firstfive", "Accept-Encoding": "identity"}
        async with (
            asyncio.timeout(_TIMEOUT_S),
            httpx.AsyncClient(transport=transport, trust_env=False, timeout=_TIMEOUT_S, headers=headers) as client,
            client.stream("GET", url) as response,
        ):
            await head(response.aiter_raw(), _BODY_BYTES)
        return {
            "status": response.status_code,
            "echoed_trace": _trace(response.headers),
            "echoed_request": one_line(response.headers.get("X-Request-ID", ""), 100),
        }


def _trace(headers: Mapping[str, str]) -> str:
    """Give the trace that an answer tells: `traceresponse` is W3C's draft, others are of use."""
    told = headers.get("traceresponse") or headers.get("traceparent") or ""
    return one_line(told.split("-")[1] if told.count("-") >= 1 else headers.get("X-Trace-Id", ""), 60)


class _Logs:
    """What the logs of each hop have got since they were forgotten: every reading gives their last lines only."""

    def __init__(self, targets: Targets, hops: Mapping[str, tuple[Target, ...]]) -> None:
        self._targets = targets
        self._hops = hops
        self._known: dict[str, set[str]] = {}
        self._lines: dict[str, dict[str, None]] = {name: {} for name in hops}
        self._errors: dict[str, str] = {}
        self._read: set[str] = set()

    async def read(self) -> None:
        """Read the log of every target, all at once."""
        of = [(name, target) for name, targets in self._hops.items() for target in targets]
        found = await asyncio.gather(*(self._targets.capture(target, (LOG,), as_it_is) for _, target in of))
        for (name, target), (part,) in zip(of, found, strict=True):
            if part.usable:
                self._read.add(name)
                self._errors.pop(target.name, None)
                lines = part.content.decode("utf-8", "replace").splitlines()
                self._lines[name].update((line, None) for line in lines if line not in self._known.get(name, ()))
            else:
                self._errors[target.name] = part.error

    def forget(self) -> None:
        """Take what was read for what was there before."""
        self._known = {name: set(lines) for name, lines in self._lines.items()}
        self._lines = {name: {} for name in self._hops}

    def have(self, marks: list[Mark]) -> bool:
        """Tell whether every hop that can be read names every mark."""
        return all(any(mark.is_on(line) for line in self._lines[name]) for name in self._read for mark in marks)

    def complaints(self) -> tuple[str, ...]:
        """Say which logs could not be read, and why."""
        return tuple(self._errors.values())

    def described(self, marks: list[Mark]) -> list[dict[str, Any]]:
        """Give each hop with the lines that are ours, and a few that name others."""
        return [self._hop(name, list(lines), marks) for name, lines in self._lines.items()]

    def _hop(self, name: str, lines: list[str], marks: list[Mark]) -> dict[str, Any]:
        ours = [line for line in lines if any(mark.is_on(line) for mark in marks)]
        others = [line for line in lines if line not in ours and names_another(line)]
        return {"service": name, "ours": ours, "others": others[-_OTHERS:], "read": name in self._read}
