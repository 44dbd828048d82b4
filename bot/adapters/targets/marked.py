"""Sends marked requests through a service, and looks in its log and in those behind it for what arrived."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from bot.domain.log_lines import CUT, MAX_LINE, MAX_LINES, beyond
from bot.domain.run import Missing
from bot.domain.service import Target
from bot.domain.snapshot import LOG, Captured, PartStatus
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
        logs.begin()
        sent = []
        for target in islice(cycle(asked), REQUESTS):
            sent.append(await self._sent(target))
            if not sent[-1]["error"] and not logs.is_settled:
                await logs.read()
                logs.settle()
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
        """Read logs until every hop that can be read names every mark, or time is up; once in any case."""
        clock = asyncio.get_running_loop().time
        until = clock() + self._wait_s
        await logs.read()
        while not logs.have(marks) and clock() < until:
            await asyncio.sleep(_EVERY_S)
            await logs.read()

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


@dataclass
class _Log:
    """What the log of a target has got since the requests began; every reading gives its last lines only.

    `settled`: so many of them were there when the first marked request had been answered and the log was read again.
    `doubt`: why a line may be missing; `error`: why the last reading failed.
    """

    target: Target
    last: list[str] | None = None
    new: list[str] = field(default_factory=list)
    settled: int = 0
    doubt: str = ""
    error: str = ""

    def take(self, part: Captured) -> None:
        """Take a reading in."""
        self.error = "" if part.usable else part.error
        if not part.usable:
            # A log that is empty so far hides nothing.
            self.last = [] if part.status is PartStatus.SKIPPED and self.last is None else self.last
            return
        lines = part.content.decode("utf-8", "replace").splitlines()
        added, is_whole = beyond(lines if self.last is None else self.last, lines)
        self.new += added
        self.last = lines
        if not is_whole:
            self.doubt = f"between two looks {self.target.name} wrote more than is read of a log ({MAX_LINES} lines)"
        elif any(line.endswith(CUT) for line in added):
            self.doubt = self.doubt or f"lines of {self.target.name} are cut after {MAX_LINE:,} signs"

    def begin(self) -> None:
        """Take what was read for what was there before."""
        if self.last is None:
            self.last, self.doubt = [], f"the log of {self.target.name} could not be read before the requests were sent"


class _Logs:
    """The logs of each hop, one for each target."""

    def __init__(self, targets: Targets, hops: Mapping[str, tuple[Target, ...]]) -> None:
        self._targets = targets
        self._hops = {name: [_Log(target) for target in each] for name, each in hops.items()}
        self._all = [log for logs in self._hops.values() for log in logs]
        self.is_settled = False

    async def read(self) -> None:
        """Read all of them at once."""
        found = await asyncio.gather(*(self._targets.capture(log.target, (LOG,), as_it_is) for log in self._all))
        for log, (part,) in zip(self._all, found, strict=True):
            log.take(part)

    def begin(self) -> None:
        """Take what was read for what was there before."""
        for log in self._all:
            log.begin()

    def settle(self) -> None:
        """Take what is read from now on for what was written after the first marked request.

        A log keeps its order, however late its lines are written: where what came later is there, the mark is, too.
        """
        self.is_settled = True
        for log in self._all:
            log.settled = len(log.new)

    def have(self, marks: list[Mark]) -> bool:
        """Tell whether every hop that can be read names every mark."""
        hops = [_lines(logs) for logs in self._hops.values() if not all(log.error for log in logs)]
        return all(any(mark.is_on(line) for line in lines) for lines in hops for mark in marks)

    def complaints(self) -> tuple[str, ...]:
        """Say which logs could not be read, and why."""
        return tuple(log.error for log in self._all if log.error)

    def described(self, marks: list[Mark]) -> list[dict[str, Any]]:
        """Give each hop with the lines that are ours, and a few that name others."""
        return [_described(name, logs, marks) for name, logs in self._hops.items()]


def _described(name: str, logs: Sequence[_Log], marks: Sequence[Mark]) -> dict[str, Any]:
    ours = [line for line in _lines(logs) if any(mark.is_on(line) for mark in marks)]
    later = [line for log in logs for line in log.new[log.settled :]]
    others = [line for line in later if line not in ours and names_another(line)]
    unread = [log for log in logs if log.error]
    doubts = ["one of its logs is not read" if len(unread) < len(logs) else "its log is not read"] if unread else []
    doubts += [log.doubt for log in logs if log.doubt]
    doubt = next(iter(doubts), "" if logs else "it has no targets")
    return {"service": name, "ours": ours, "others": others[-_OTHERS:], "later": len(later), "doubt": doubt}


def _lines(logs: Iterable[_Log]) -> list[str]:
    return [line for log in logs for line in log.new]
