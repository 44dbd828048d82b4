"""Looks at both tracks of a service: the counters are read, subtracted, and folded into the watch over the canary."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.canary import CanaryPlan, Judged, Judgement, Look, Reason
from bot.domain.counters import Reading, between, carried, reading
from bot.domain.evidence import enough
from bot.domain.judge import judge
from bot.domain.narrative import seconds
from bot.domain.picture import png
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.domain.timeline import Kind
from bot.domain.tracks import KEPT, Sight, lines, sight, trend, wellness
from bot.domain.trend import Trend
from bot.domain.watch import Watch, observe
from bot.engine.ports import Ports
from bot.engine.tools import Tools, adapter_of

_FRESH = timedelta(seconds=15)
_PROVED_WITHIN, _MISSING_FOR = timedelta(seconds=60), timedelta(seconds=15)
_NOTHING_FOR = timedelta(seconds=35)
"""Many a Prometheus reads its targets every half minute only, and until then nothing has happened."""
UNSEEN = Watch()
UNWATCHED = Judged(Judgement.INCONCLUSIVE, (), "nothing has been measured yet")


@dataclass(frozen=True)
class Kept:
    """What whoever watches a canary leaves for the next, and for whoever asks.

    `decided`: which judgement was told last, and when, so that one breach is told once.
    """

    at: datetime
    watch: Watch = UNSEEN
    sights: tuple[Sight, ...] = ()
    judged: Judged = UNWATCHED
    decided: str = ""
    decided_at: datetime | None = None


class Lookout:
    """Looks at a service's tracks, again and again, going on from what was known before if that is fresh: `is_warm`."""

    def __init__(self, tools: Tools, plan: CanaryPlan, service: Service, kept: Kept | None = None) -> None:
        self._tools = tools
        self._plan = plan
        self._service = service
        kept = kept or Kept(tools.now() - 2 * _FRESH)
        self.is_warm = tools.now() - kept.at <= _FRESH
        anew = Kept(tools.now(), decided=kept.decided, decided_at=kept.decided_at)
        self.kept = kept if self.is_warm else anew
        self.looks: deque[Look] = deque(maxlen=KEPT)
        self._last: Reading | None = None
        self._next_at = tools.now()

    async def look(self) -> Judged:
        """Wait until it is time, look once, and judge."""
        wait_s = (self._next_at - self._tools.now()).total_seconds()
        if wait_s > 0:
            await self._tools.pause(min(wait_s, self._plan.interval_s))  # clocks are set back
        self._next_at = self._tools.now() + timedelta(seconds=self._plan.interval_s)
        now = await _read(self._tools.ports, self._plan, self._service, self._tools.now())
        if now.missing or self._last is not None:
            self._take(between(self._last or now, now))
        # What is counted next begins with the last reading that there was.
        self._last = self._last if now.missing else carried(self._last, now)
        return self.kept.judged

    def _take(self, look: Look) -> None:
        self.looks.append(look)
        watch = observe(self.kept.watch, look, self._plan.policy)
        sights = self.kept.sights if look.missing else (*self.kept.sights, sight(look))[-KEPT:]
        judged = judge(watch, self._plan.policy)
        self.kept = replace(self.kept, at=look.at, watch=watch, sights=sights, judged=judged)


def watch_key(service: str) -> str:
    """Name the mark under which the watch over a service's canary is kept."""
    return f"watch:{service}"


def breach_key(service: str) -> str:
    """Name the mark under which is kept what was known when a canary was found bad."""
    return f"breach:{service}"


async def kept_watch(tools: Tools, service: Service) -> Kept | None:
    """Give what was kept of the watch over a service's canary."""
    return await tools.recall(watch_key(service.name), Kept)


async def keep_watch(tools: Tools, service: Service, kept: Kept) -> None:
    """Keep it now; a process that has lost the run keeps nothing."""
    text = adapter_of(Kept).dump_json(kept).decode()
    await tools.commit("kept", "true", lambda tx: tools.ports.marks.put(tx, watch_key(service.name), text))


async def _read(ports: Ports, plan: CanaryPlan, service: Service, at: datetime) -> Reading:
    """Read the counters: what a router exposes, or what the service's Prometheus has."""
    if plan.exposition:
        asked = [ports.metrics.exposition(plan.exposition)]
    else:
        asked = [ports.metrics.ask(service.prometheus or "", query) for query in (plan.requests, plan.latency) if query]
    answers = await asyncio.gather(*asked)
    why = next((answer.reason for answer in answers if isinstance(answer, Missing)), "")
    samples = [sample for answer in answers if not isinstance(answer, Missing) for sample in answer]
    return Reading(at, missing=why) if why else reading(plan, at, samples)


@dataclass(frozen=True)
class Proof:
    """Whether users are safe, as far as it was measured."""

    safe: bool
    words: str


async def prove_safe(tools: Tools, service: Service) -> Proof:
    """Look until users are safe, by the counters that the canary was judged by; or say honestly that they are not."""
    plan, since = service.canary, tools.run_row.created_at
    if plan is None:
        return Proof(safe=False, words="Not verified: no canary is configured, so nothing is measured.")
    kept = await kept_watch(tools, service)
    slow_s = kept.watch.slow_s if kept is not None else None
    lookout, began, why = Lookout(tools, plan, service), tools.now(), ""
    while True:
        await lookout.look()
        now, waited = tools.now(), tools.now() - began
        why = lookout.looks[-1].missing if lookout.looks else ""
        found = wellness(lookout.looks, plan.policy.errors_over, slow_s)
        if found.safe and not why:
            return Proof(safe=True, words=f"Safe after {seconds((now - since).total_seconds())}: {found.words}.")
        patience = _PROVED_WITHIN if found.requests else _MISSING_FOR if why else _NOTHING_FOR
        if waited >= patience:
            break
    if why or not found.requests:
        return Proof(safe=False, words=f"Not verified: {why or 'no request was seen'}.")
    if found.requests < (needed := enough(plan.policy.errors_over)):
        few = f"{found.words} of {found.requests:,} requests; it takes {needed} to tell"
        return Proof(safe=False, words=f"Not proven safe: {few}.")
    return Proof(safe=False, words=f"Not safe yet: {found.words} of {found.requests:,} requests.")


def tell_proof(tools: Tools, service: Service, proof: Proof) -> None:
    """Tell the timeline whether users are safe."""
    body = {"judgement": "", "reasons": [], "when": "verified", "safe": proof.safe}
    tools.record(Kind.JUDGED, service=service.name, words=proof.words, **body)


async def tell_judged(tools: Tools, service: Service, kept: Kept, when: str, left: str = "") -> str:
    """Tell the timeline how a canary was judged, with its picture; give the file that holds every number.

    `left` says why it is left to people what to do about it.
    """
    judged = kept.judged
    name = f"canary-{service.name}.json"
    content = adapter_of(Kept).dump_json(replace(kept, watch=UNSEEN), indent=1)
    stored = await tools.ports.artifacts.put(name, content)
    looks = f"{len(kept.sights)} looks at the canary of {service.name}"
    tools.record(Kind.ARTIFACT, name=name, sha256=stored.sha256, bytes=stored.bytes, what=looks)
    shown = trend(kept.sights)
    picture = await tools.ports.artifacts.put(f"canary-{service.name}.png", png(shown)) if shown.panels else None
    tools.record(
        Kind.JUDGED,
        service=service.name,
        judgement=judged.judgement.value,
        words="; ".join(filter(None, [judged.words, left])),
        reasons=adapter_of(tuple[Reason, ...]).dump_python(judged.reasons, mode="json"),
        when=when,
        trend=adapter_of(Trend).dump_python(shown, mode="json"),
        artifact=stored.sha256,
        picture=picture.sha256 if picture else "",
    )
    return stored.sha256


def judgement_lines(service: str, judged: Judged, sights: Sequence[Sight]) -> str:
    """Write a judgement for a chat: what it is, each rule, and both tracks in signs."""
    said = [f"*Canary of {service}: {judged.judgement.value}.* {judged.words}."]
    said += [f"• {reason.rule}: {reason.words} (dry run)" for reason in judged.reasons if not reason.decides]
    said += [f"`{line}`" for line in lines(trend(sights))]
    return "\n".join(said)
