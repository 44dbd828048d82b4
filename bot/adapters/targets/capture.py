"""Captures a target's profiles within bounds of time and bytes, and probes what its users get."""

import asyncio
import os
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from statistics import median

import httpx

from bot.adapters.targets import answers
from bot.adapters.targets.access import Keyring
from bot.adapters.targets.network import HandshakeFailed, PinnedTransport, Resolver, locate, resolve_by_system
from bot.domain.access import AccessMissing
from bot.domain.addresses import AddressRefused, Endpoint
from bot.domain.errors import TargetUnreachable
from bot.domain.goroutine_dump import DUMP_LIMIT_BYTES
from bot.domain.profile import ProfileMalformed, decode
from bot.domain.service import Target
from bot.domain.snapshot import (
    CHEAP_PARTS,
    GOROUTINE,
    PART_TIMEOUT_S,
    Captured,
    Part,
    Probe,
    missed,
    skipped,
)

MEGABYTE = 1024 * 1024
PATIENCE_S = 0.1
"""A probe that takes longer is slow. Captures wait so long for probes under way: they would be in their light."""

Try = tuple[str, float, str]
"""The status (or a word for what happened), the seconds, and the complaint or ""."""

STARVED_S = 0.5
"""So much later than asked for, a CPU profile tells of a process that hardly gets to run."""


@dataclass(frozen=True)
class Caps:
    """Bounds of one capture: bytes of a part, seconds of everything, connections to one target."""

    profile_bytes: int = 16 * MEGABYTE
    dump_bytes: int = DUMP_LIMIT_BYTES
    budget_s: float = 5.0
    resolve_s: float = 2.0
    connect_s: float = 2.0
    connections: int = 4
    probe_s: float = 2.0
    probe_bytes: int = 64 * 1024


class HttpTargets:
    """Asks targets over HTTP. Every request goes to an address that the target's allow-list holds."""

    def __init__(
        self,
        *,
        resolver: Resolver = resolve_by_system,
        monotonic: Callable[[], float] = time.monotonic,
        caps: Caps | None = None,
        tls: ssl.SSLContext | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """`environ` holds the values of headers that pprof addresses want to see."""
        self._resolver = resolver
        self._monotonic = monotonic
        self._caps = caps or Caps()
        self._given_tls = tls
        self._keyring = Keyring(environ, tls)
        self._probing: set[asyncio.Event] = set()

    async def locate(self, target: Target) -> tuple[Endpoint, ...]:
        """Resolve and vet where a target is: its pprof address, and where it serves its users.

        :raises AddressRefused: says which address and why.
        """
        urls = [target.pprof] if target.url is None else [target.pprof, target.url]
        return tuple(await asyncio.gather(*(self._locate(target, url) for url in urls)))

    async def capture(self, target: Target, parts: Sequence[Part] = CHEAP_PARTS) -> tuple[Captured, ...]:
        """Capture parts of a target, each recorded whatever becomes of it, in the order they were asked for.

        The goroutine count comes first; other profiles in parallel; intrusive parts one by one; a dump last. What
        stops a crowd of goroutines for long is taken only when their count is known and small.
        """
        await self._let_probes_go_first()
        slow_s = sum(part.timeout_s for part in parts if part.intrusive)
        deadline = self._monotonic() + self._caps.budget_s + slow_s
        try:
            transport = await self._pprof(target)
        except TargetUnreachable as refused:
            return tuple(missed(target.name, part, str(refused)) for part in parts)
        async with self._client(transport) as client:
            done = await _Capture(client, target, self._caps, self._monotonic, deadline).run(parts)
        return tuple(done[part.name] for part in parts)

    async def probe(self, target: Target, requests: int = 5) -> Probe:
        """Ask the address that serves the users a few times; says what they get now."""
        if target.url is None:
            return Probe(target.name, 0, error=f"{target.name} has no `url` to probe")
        with self._going_first():
            return await self._probe(target, target.url, requests)

    async def _probe(self, target: Target, url: str, requests: int) -> Probe:
        try:
            endpoint = await self._locate(target, url)
        except AddressRefused as refused:
            return Probe(target.name, 0, error=str(refused))
        transport = PinnedTransport(endpoint, self._tls(url), requests)
        async with self._client(transport) as client:
            tries = await self._tries(client, url, requests)
        answered = [elapsed_s * 1000 for _, elapsed_s, error in tries if not error]
        return Probe(
            target.name,
            requests,
            statuses=tuple(sorted(Counter(status for status, _, _ in tries).items())),
            p50_ms=round(median(answered), 3) if answered else None,
            max_ms=round(max(answered), 3) if answered else None,
            error=next((f"{target.name}: {error}" for _, _, error in tries if error), ""),
        )

    @contextmanager
    def _going_first(self) -> Iterator[None]:
        ended = asyncio.Event()
        self._probing.add(ended)
        try:
            yield
        finally:
            self._probing.discard(ended)
            ended.set()

    async def _let_probes_go_first(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.sleep(0)
                while self._probing:
                    await next(iter(self._probing)).wait()

    async def _tries(self, client: httpx.AsyncClient, url: str, requests: int) -> list[Try]:
        """Ask one by one, as that measures the target and not ourselves; once it is slow, ask the rest at once."""
        async with asyncio.TaskGroup() as group:
            tries: list[asyncio.Task[Try]] = []
            wait_s = PATIENCE_S
            for _ in range(requests):
                tries.append(group.create_task(self._try(client, url)))
                answered, _ = await asyncio.wait(tries[-1:], timeout=wait_s)
                wait_s = wait_s if answered else 0.0
        return [each.result() for each in tries]

    async def _try(self, client: httpx.AsyncClient, url: str) -> Try:
        started = self._monotonic()
        try:
            async with asyncio.timeout(self._caps.probe_s), client.stream("GET", url) as response:
                await answers.head(response.aiter_raw(), self._caps.probe_bytes)
            return str(response.status_code), self._monotonic() - started, ""
        except TimeoutError:
            return "timeout", self._monotonic() - started, f"{url} gave no answer in {self._caps.probe_s:g} s"
        except httpx.TransportError as error:
            part = Part("probe", url, "")
            return "no answer", self._monotonic() - started, answers.complaint(part, url, error, 0)

    async def _pprof(self, target: Target) -> httpx.AsyncBaseTransport:
        """Give the way to a target's pprof address.

        :raises TargetUnreachable: it is not allowed, or what it wants to see is missing.
        """
        endpoint = await self._locate(target, target.pprof)
        try:
            return await self._keyring.transport(target.access, target.pprof, endpoint, self._caps.connections)
        except AccessMissing as missing:
            raise AccessMissing(f"{target.name}: {missing}") from missing

    async def _locate(self, target: Target, url: str) -> Endpoint:
        try:
            return await locate(url, target.allow, self._resolver, self._caps.resolve_s)
        except AddressRefused as refused:
            raise AddressRefused(f"{target.name}: {refused}") from refused

    def _tls(self, url: str) -> ssl.SSLContext | None:
        return self._default_tls if url.startswith("https:") else None

    @cached_property
    def _default_tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()

    def _client(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(None, connect=self._caps.connect_s),
            headers={"User-Agent": "firstfive", "Accept-Encoding": "identity"},
        )


class _Capture:
    """One capture of one target under way."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        target: Target,
        caps: Caps,
        monotonic: Callable[[], float],
        deadline: float,
    ) -> None:
        self._client = client
        self._target = target
        self._caps = caps
        self._monotonic = monotonic
        self._deadline = deadline
        self._done: dict[str, Captured] = {}
        self._nobody = False
        self._due_s = 0.0

    async def run(self, parts: Sequence[Part]) -> dict[str, Captured]:
        """Capture all parts; give them by name."""
        first = [part for part in parts if part.name == GOROUTINE.name]
        dumps = [part for part in parts if part.kind == "dump"]
        costly = [part for part in parts if part.intrusive and part not in dumps]
        others = [part for part in parts if part not in first + dumps + costly]
        for part in first:
            await self._take(part)
        if self._nobody:
            why = f"{self._target.name}: not asked, as nobody answers at {self._target.pprof}"
            return {part.name: skipped(self._target.name, part, why) for part in parts} | self._done
        await asyncio.gather(*(self._take_bounded(part) for part in others))
        for part in costly:
            await self._take_costly(part)
        for part in dumps:
            await self._take_bounded(part)
        return self._done

    async def _take_costly(self, part: Part) -> None:
        """Take a part unless the one before came late: a starved process is not made to collect as well."""
        late = [each for each in self._done.values() if each.part == "cpu" and each.elapsed_s > self._due_s + STARVED_S]
        if late:
            why = f"{self._target.name}: not forced to collect, as its CPU profile came late: the process is starved"
            self._done[part.name] = skipped(self._target.name, part, why)
            return
        self._due_s = part.timeout_s - PART_TIMEOUT_S
        await self._take(part)

    async def _take_bounded(self, part: Part) -> None:
        """Take a part unless there are too many goroutines for it, or it is not known how many."""
        number = None if part.goroutines is None else await self._count()
        if part.goroutines is None or (number is not None and number <= part.goroutines):
            return await self._take(part)
        reason = "not taken: the goroutines could not be counted first"
        if number is not None:
            reason = f"not taken: {number} goroutines, it stops the process for long above {part.goroutines}"
        self._done[part.name] = skipped(self._target.name, part, f"{self._target.name}: {part.name} {reason}")
        return None

    async def _count(self) -> int | None:
        if GOROUTINE.name not in self._done:
            await self._take(GOROUTINE)
        content = self._done[GOROUTINE.name].content
        try:
            return (await asyncio.to_thread(decode, content, stacks=False)).total("goroutine") if content else None
        except ProfileMalformed:
            return None

    async def _take(self, part: Part) -> None:
        started = self._monotonic()
        timeout_s = min(part.timeout_s, self._deadline - started)
        if timeout_s <= 0:
            reason = f"{self._target.name}: no time was left for {part.path}"
            self._done[part.name] = missed(self._target.name, part, reason)
            return
        body = bytearray()
        try:
            async with asyncio.timeout(timeout_s):
                got = await self._fetch(part, body, started)
            if isinstance(got, str):
                got = await answers.keep(self._target, part, bytes(body), got, self._since(started))
            self._done[part.name] = got
        except TimeoutError:
            self._done[part.name] = answers.late(self._target, part, bytes(body), timeout_s, self._since(started))
        except httpx.TransportError as error:
            self._nobody |= isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | HandshakeFailed)
            self._done[part.name] = answers.broken(self._target, part, error, len(body), self._since(started))

    async def _fetch(self, part: Part, body: bytearray, started: float) -> Captured | str:
        """Fill `body` and give its content type; or give the record of an answer that is none."""
        cap = self._caps.dump_bytes if part.kind == "dump" else self._caps.profile_bytes
        async with self._client.stream("GET", self._target.pprof.rstrip("/") + part.path) as response:
            if response.status_code != httpx.codes.OK:
                return await answers.refusal(self._target, part, response, self._since(started))
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > cap:
                    return answers.too_large(self._target, part, bytes(body), cap, self._since(started))
            return str(response.headers.get("content-type", ""))

    def _since(self, started: float) -> float:
        return self._monotonic() - started
