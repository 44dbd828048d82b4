"""The deploy gate in the world: what was shown is verified, what holds a deploy up is looked at, all is recorded.

It fails closed: whatever keeps it from knowing that a build is in order is a reason to deny it.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydantic import ValidationError

from bot.domain.deploys import GATE, Deploy, deploys_key, taken_back, went_out
from bot.domain.errors import FirstFiveError
from bot.domain.gate.decision import Decision, Override, decide
from bot.domain.gate.evidence import Evidence, Objection, Obstacle, Submission
from bot.domain.gate.policy import GatePolicy, Hold
from bot.domain.incident import Severity, Status
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.domain.timeline import Kind
from bot.engine.authority import kept_freeze
from bot.engine.deploys import Deploys, record_decided
from bot.engine.overriding import kept_override, use_override
from bot.engine.ports import Ports
from bot.engine.tools import Tools, adapter_of, recalled
from bot.ports import Listed, Posted, Tx

VERIFIED_WITHIN_S = 10.0
"""So long may it take to get and to verify what was shown."""
ANSWERED_WITHIN_S = 30.0
"""After that nobody waits for the answer any more, and it is no."""
DECIDED = "decided"
"""The topic on which whoever asked is told."""
_OVERRIDDEN = "overridden"
_TOLD_WITHIN = timedelta(minutes=5)
_OPEN = 500


@dataclass(frozen=True)
class Gated:
    """What the gate says of a build; `reasons` are why it was denied, or what two people overrode.

    `spent` says why an override that there is does not let it through, "" where there is none.
    """

    service: str
    release: str
    digest: str
    allowed: bool
    reasons: tuple[str, ...]
    proven: tuple[str, ...]
    overridden: str
    summary: str
    spent: str = ""


async def pass_gate(tools: Tools, service: Service, deploy: Deploy, evidence: str) -> Gated:
    """Decide whether a build may be deployed, and record it; `evidence`: the artifact that holds what was shown of it.

    An override is used up by the very commit that records what goes out by it.
    """
    if _OVERRIDDEN in tools.memos:
        # The step is begun again after that commit.
        again: Gated = adapter_of(Gated).validate_json(tools.memos[_OVERRIDDEN])
        return again
    proven = await _evidence(tools, service.gate, deploy.digest, evidence)
    while True:
        found, override = await _situation(tools, service, deploy)
        late = [*_late(tools)]
        # What nobody waits for any more does not go out, so it uses nothing up. Tens of thousands of components take a
        # while, and nobody else waits for it.
        let = None if late else override
        decision = await asyncio.to_thread(decide, service.gate, proven, [*found, *late], tools.now(), let)
        gated = _gated(deploy, decision, override, tools.now())
        # Whoever asked is woken by the very commit that decides, and told by it.
        told = adapter_of(Gated).dump_json(gated).decode()
        _record(tools, deploy, decision, evidence)
        tools.also(partial(_wake, tools, told))
        if not decision.overridden or override is None:
            return gated
        if await use_override(tools, service.name, override, (_OVERRIDDEN, told)):
            return gated


def _wake(tools: Tools, told: str, tx: Tx) -> None:
    tools.ports.journal.signal(tx, tools.run_id, DECIDED, told)


def _gated(deploy: Deploy, decision: Decision, override: Override | None, now: datetime) -> Gated:
    """Say what was decided; of what is denied in spite of an override, also why that does not let it through."""
    spent = override.why_not(now) if override is not None and not decision.allowed else ""
    summary = " ".join(filter(None, [_summary(deploy, decision), spent and f"{spent}."]))
    return Gated(
        deploy.service,
        deploy.release,
        deploy.digest,
        decision.allowed,
        decision.reasons,
        decision.proven,
        decision.overridden,
        summary,
        spent,
    )


async def tell_denied(tools: Tools, service: Service, gated: Gated) -> None:
    """Tell the channel of a denial, for some minutes where it does not take it; that nobody was told is recorded.

    The channels of the service's open incidents are told by their timelines.
    """
    if not gated.allowed:
        ask = f"`/incident override {service.name} {gated.release} WHY`"
        way_out = f"If it cannot wait, {ask} asks a second person."
        reasons = "\n".join(f"• {each}" for each in (*gated.reasons, *filter(None, [gated.spent])))
        text = f"*{gated.service} {gated.release} was not deployed*: the gate denied it.\n{reasons}\n{way_out}"
        await say_denied(tools, service.gate, f"{service.name} {gated.release}", text)


async def say_denied(tools: Tools, policy: GatePolicy | None, name: str, text: str) -> None:
    """Post a denial where a service's are posted, or announcements are."""
    channel = (policy.channel if policy else "") or tools.catalog.announcements
    if channel:
        posted, until, wait_s = await _post(tools, channel, text), tools.now() + _TOLD_WITHIN, 1.0
        while posted.again and not posted.ok and tools.now() < until:
            await tools.pause(wait_s)
            posted, wait_s = await _post(tools, channel, text), 2 * wait_s
        if not posted.ok:
            await tools.publish("untold", Kind.CHAT_FAILED, surface=f"the denial of {name}", reason=posted.reason)


async def _post(tools: Tools, channel: str, text: str) -> Posted:
    return await tools.ports.poster.post(channel, text, f"gate:{tools.run_id}")


async def _evidence(tools: Tools, policy: GatePolicy | None, digest: str, sha256: str) -> Evidence:
    """Give what is proven, or evidence that says why nothing is."""
    if policy is None:
        return Evidence(digest)
    try:
        async with asyncio.timeout(VERIFIED_WITHIN_S):
            shown = await _shown(tools, digest, sha256)
            found = shown if isinstance(shown, Objection) else await tools.ports.verifier.verify(shown, policy)
    except TimeoutError:
        found = Objection(Obstacle.SLOW, f"to verify what was sent takes longer than {VERIFIED_WITHIN_S:.0f} s")
    except FirstFiveError as error:
        found = Missing(str(error))
    if isinstance(found, Missing):
        found = Objection(Obstacle.NOT_VERIFIED, f"nothing could be verified: {found.reason}")
    return Evidence(digest, unseen=found) if isinstance(found, Objection) else found


async def _shown(tools: Tools, digest: str, sha256: str) -> Submission | Objection:
    if not sha256:
        return Submission(digest)
    content = await tools.ports.artifacts.get(sha256)
    if content is None:
        return Objection(Obstacle.NOT_VERIFIED, "what was sent is not kept any more; send it again")
    try:
        shown: Submission = adapter_of(Submission).validate_json(content)
    except ValidationError:
        return Objection(Obstacle.MALFORMED, "what was sent cannot be read")
    if shown.digest != digest:
        return Objection(Obstacle.REPLAYED, "what was sent is about another artifact")
    return shown


async def _situation(tools: Tools, service: Service, deploy: Deploy) -> tuple[list[Objection], Override | None]:
    """Give what the situation says against a deploy, and what two people have agreed to, as of one moment."""
    ports, name = tools.ports, service.name

    def look(tx: Tx) -> tuple[list[Objection], Override | None]:
        # Private ones hold a deploy up too; they are not named.
        rows = ports.timeline.incidents(tx, limit=_OPEN, private=True)
        told: Deploys = recalled(ports, tx, deploys_key(name), Deploys) or ()
        held = [*_frozen(ports, tx, name), *_incidents(rows, service), *_rolled_back(told, deploy)]
        return held, kept_override(ports, tx, name, deploy.digest)

    return await ports.store.read(look)


def _frozen(ports: Ports, tx: Tx, service: str) -> Iterator[Objection]:
    try:
        if (frozen := kept_freeze(ports, tx, service)) is not None:
            yield Objection(Obstacle.FROZEN, frozen.words.removesuffix("."))
    except ValidationError:
        yield Objection(Obstacle.FROZEN, f"whether {service} is frozen cannot be read")


def _rolled_back(told: Iterable[Deploy], deploy: Deploy) -> Iterator[Objection]:
    if at := taken_back(each for each in went_out(told) if _same(each, deploy)):
        yield Objection(Obstacle.ROLLED_BACK, f"it was rolled back at {at:%Y-%m-%d %H:%M} UTC")


def _incidents(rows: list[Listed], service: Service) -> Iterator[Objection]:
    hold = service.gate.hold if service.gate else Hold.ANY
    for row in rows:
        is_ours = hold is Hold.ANY or (hold is Hold.SERVICE and row.service in {"", service.name})
        if is_ours and row.severity is Severity.SEV1 and row.status is Status.OPEN and not row.drill:
            # A private one has no name here; by its time it is another one than the next, so who overrides one has
            # not overridden the other.
            private = f"an incident of the severity SEV1, opened at {row.opened_at:%Y-%m-%d %H:%M:%S} UTC,"
            yield Objection(Obstacle.INCIDENT, f"{private if row.private else f'{row.id}, a SEV1,'} is open")


def _late(tools: Tools) -> Iterator[Objection]:
    """Object to a decision that nobody waits for: whoever asked was told no, or nothing, long ago."""
    if tools.now() - tools.run_row.created_at > timedelta(seconds=ANSWERED_WITHIN_S):
        yield Objection(Obstacle.SLOW, f"it could not be decided within {ANSWERED_WITHIN_S:.0f} s")


def _same(one: Deploy, other: Deploy) -> bool:
    return one.digest == other.digest if one.digest and other.digest else one.release == other.release


def _record(tools: Tools, deploy: Deploy, decision: Decision, evidence: str) -> None:
    told: dict[str, Any] = {"reasons": list(decision.reasons), "evidence": evidence}
    if decision.allowed:
        told |= {"proven": list(decision.proven), "overridden": decision.overridden}
    denied_for = () if decision.allowed else decision.objections
    record_decided(tools, replace(deploy, source=GATE, denied=denied_for), **told)


def _summary(deploy: Deploy, decision: Decision) -> str:
    name = f"{deploy.service} {deploy.words}"
    if decision.overridden:
        return f"{name} may be deployed by an override of {decision.overridden}, despite: {_list(decision.reasons)}."
    if decision.allowed:
        return f"{name} may be deployed: {'; '.join(decision.proven) or 'nothing is asked for'}."
    return f"{name} is denied: {_list(decision.reasons)}."


def _list(reasons: tuple[str, ...]) -> str:
    return "; ".join(reasons)
