"""Captures a target's profiles within bounds of time and bytes, and probes what its users get."""

import asyncio
import os
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from statistics import median

import httpx

from bot.adapters.targets import answers
from bot.adapters.targets.access import Keyring, as_users_do
from bot.adapters.targets.network import HandshakeFailed, PinnedTransport, Resolver, locate, resolve_by_system
from bot.adapters.targets.room import Claim, Room
from bot.domain.access import AccessMissing
from bot.domain.addresses import AddressRefused, Endpoint
from bot.domain.costs import ProfileMalformed
from bot.domain.errors import TargetUnreachable
from bot.domain.goroutine_dump import DUMP_LIMIT_BYTES
from bot.domain.profile import decode
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
from bot.ports import Keep, as_it_is

MEGABYTE = 1024 * 1024
PATIENCE_S = 0.1
"""A probe that takes longer is slow. Captures wait so long for probes under way: they would be in their light."""

Record = Callable[[float], Captured]
"""Makes what is told of a part, given the seconds it took."""
Try = tuple[str, float, str]
"""The status (or a word for what happened), the seconds, and the complaint or ""."""

STARVED_S = 0.5
"""So much later than asked for, a CPU profile tells of a process that hardly gets to run."""


@dataclass(frozen=True)
class Caps:
    """Bounds of one capture: bytes of a part, seconds of everything, connections to one target.

    A dump that nobody asked for by name is of few goroutines: `dump_bytes` are 3 KB for each of them.
    """

    profile_bytes: int = 16 * MEGABYTE
    dump_bytes: int = 32 * MEGABYTE
    asked_dump_bytes: int = DUMP_LIMIT_BYTES
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
        self._room = Room()

    async def locate(self, target: Target) -> tuple[Endpoint, ...]:
        """Resolve and vet where a target is: its pprof address, and where it serves its users.

        :raises AddressRefused: says which address and why.
        """
        urls = [target.pprof] if target.url is None else [target.pprof, target.url]
        return tuple(await asyncio.gather(*(self._locate(target, url) for url in urls)))

    async def capture(
        self, target: Target, parts: Sequence[Part] = CHEAP_PARTS, keep: Keep = as_it_is
    ) -> tuple[Captured, ...]:
        """Capture parts of a target, each recorded whatever becomes of it, in the order they were asked for.

        The goroutine count comes first; other profiles in parallel; intrusive parts one by one; a dump last. What
        stops a crowd of goroutines for long is taken only when their count is known and small. `keep` gets each part
        when it is there and gives what is to be told of it: without content, a capture takes no memory by then.
        """
        await self._let_probes_go_first()
        slow_s = sum(part.timeout_s for part in parts if part.intrusive)
        deadline = self._monotonic() + self._caps.budget_s + slow_s
        try:
            transport = await self._pprof(target)
        except TargetUnreachable as refused:
            return tuple(missed(target.name, part, str(refused)) for part in parts)
        async with self._client(transport) as client:
            shown = self._keyring.secrets(target.access)
            capture = _Capture(client, target, self._caps, self._monotonic, deadline, self._room, keep, shown)
            done = await capture.run(parts)
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
            tls = await asyncio.to_thread(self._tls, target, url)
        except (AddressRefused, AccessMissing) as refused:
            return Probe(target.name, 0, error=str(refused))
        transport = PinnedTransport(endpoint, tls, requests, server_name=target.server_name)
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
            said = answers.complaint(part, url, error, 0).replace("`tls.", "`")
            return "no answer", self._monotonic() - started, said

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

    def _tls(self, target: Target, url: str) -> ssl.SSLContext | None:
        return self._given_tls if self._given_tls and not target.ca else as_users_do(target, url)

    def _client(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(None, connect=self._caps.connect_s),
            headers={"User-Agent": "firstfive", "Accept-Encoding": "identity"},
        )


@dataclass
class _Capture:
    """One capture of one target under way."""

    client: httpx.AsyncClient
    target: Target
    caps: Caps
    monotonic: Callable[[], float]
    deadline: float
    room: Room
    keep: Keep
    shown: tuple[str, ...]
    done: dict[str, Captured] = field(default_factory=dict)
    goroutines: int | None = None
    nobody: bool = False
    due_s: float = 0.0

    async def run(self, parts: Sequence[Part]) -> dict[str, Captured]:
        """Capture all parts; give them by name."""
        first = [part for part in parts if part.name == GOROUTINE.name]
        dumps = [part for part in parts if part.kind == "dump"]
        costly = [part for part in parts if part.intrusive and part not in dumps]
        others = [part for part in parts if part not in first + dumps + costly]
        for part in first:
            await self._take(part)
        if self.nobody:
            why = f"{self.target.name}: not asked, as nobody answers at {self.target.pprof}"
            return {part.name: skipped(self.target.name, part, why) for part in parts} | self.done
        await asyncio.gather(*(self._take_bounded(part) for part in others))
        for part in costly:
            await self._take_costly(part)
        for part in dumps:
            await self._take_bounded(part)
        return self.done

    async def _take_costly(self, part: Part) -> None:
        """Take a part unless the one before came late: a starved process is not made to collect as well."""
        late = [each for each in self.done.values() if each.part == "cpu" and each.elapsed_s > self.due_s + STARVED_S]
        if late:
            why = f"{self.target.name}: not forced to collect, as its CPU profile came late: the process is starved"
            self.done[part.name] = skipped(self.target.name, part, why)
            return
        self.due_s = part.timeout_s - PART_TIMEOUT_S
        await self._take(part)

    async def _take_bounded(self, part: Part) -> None:
        """Take a part unless there are too many goroutines for it, or it is not known how many."""
        number = None if part.goroutines is None else await self._count()
        if part.goroutines is None or (number is not None and number <= part.goroutines):
            return await self._take(part)
        reason = "not taken: the goroutines could not be counted first"
        if number is not None:
            reason = f"not taken: {number} goroutines, it stops the process for long above {part.goroutines}"
        self.done[part.name] = skipped(self.target.name, part, f"{self.target.name}: {part.name} {reason}")
        return None

    async def _count(self) -> int | None:
        if GOROUTINE.name not in self.done:
            await self._take(GOROUTINE)
        return self.goroutines

    async def _take(self, part: Part) -> None:
        """Capture a part and hand it on; a large one has room until that is done."""
        with self.room.claim(self.monotonic) as claim:
            captured = await self._captured(part, claim)
            if part.name == GOROUTINE.name:
                self.goroutines = await self.room.read(partial(_total, captured.content))
            self.deadline += claim.waited_s
            self.done[part.name] = await self.keep(captured)

    async def _captured(self, part: Part, claim: Claim) -> Captured:
        started = self.monotonic()
        timeout_s = min(part.timeout_s, self.deadline - started)
        if timeout_s <= 0:
            return missed(self.target.name, part, f"{self.target.name}: no time was left for {part.path}")
        body = bytearray()
        try:
            async with asyncio.timeout(timeout_s) as limit:
                record = await self._fetch(part, body, partial(claim.grow, limit=limit))
        except TimeoutError:
            record = partial(answers.late, self.target, part, body, timeout_s)
        except httpx.TransportError as error:
            self.nobody |= isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | HandshakeFailed)
            record = partial(answers.broken, self.target, part, error, len(body))
        ended = self.monotonic()
        captured = await self.room.read(partial(record, ended - started - claim.waited_s))
        self.deadline += self.monotonic() - ended  # until it was read: that was not the target's doing either
        return captured

    async def _fetch(self, part: Part, body: bytearray, grow: Callable[[int], Awaitable[None]]) -> Record:
        """Fill `body`; give what makes a record of it."""
        cap = self._cap(part)
        async with self.client.stream("GET", self.target.pprof.rstrip("/") + part.path) as response:
            if response.status_code != httpx.codes.OK:
                return partial(answers.timed, await answers.refusal(self.target, part, response))
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > cap:
                    return partial(answers.too_large, self.target, part, body, cap)
                await grow(len(body))
            served = str(response.headers.get("content-type", ""))
            return partial(answers.keep, self.target, part, body, served, shown=self.shown)

    def _cap(self, part: Part) -> int:
        if part.kind != "dump":
            return self.caps.profile_bytes
        return self.caps.asked_dump_bytes if part.intrusive else self.caps.dump_bytes


def _total(content: bytes) -> int | None:
    """Count the goroutines of a profile; None when it is none."""
    try:
        return decode(content, stacks=False).total("goroutine") if content else None
    except ProfileMalformed:
        return None
