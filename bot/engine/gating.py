"""The deploy gate in the world: what was shown is verified, what holds a deploy up is looked at, all is recorded.

It fails closed: whatever keeps it from knowing that a build is in order is a reason to deny it.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from bot.domain.deploys import GATE, Deploy, denied, deploys_key, taken_back, went_out
from bot.domain.errors import ApprovalRefused, CommandRejected, FirstFiveError
from bot.domain.gate.decision import Decision, Override, decide
from bot.domain.gate.evidence import Evidence, Objection, Obstacle, Submission
from bot.domain.gate.policy import GatePolicy, Hold
from bot.domain.incident import Severity, Status
from bot.domain.run import Missing, Reply
from bot.domain.service import Service
from bot.domain.timeline import Kind, to_us
from bot.engine.approval import FOR_EVER
from bot.engine.authority import kept_freeze
from bot.engine.deploys import Deploys, record_decided, told_deploys
from bot.engine.ports import Ports
from bot.engine.tools import Tools, adapter_of, recalled
from bot.ports import Listed, Posted, Tx

VERIFIED_WITHIN_S = 10.0
"""So long may it take to get and to verify what was shown."""
ANSWERED_WITHIN_S = 30.0
"""After that nobody waits for the answer any more, and it is no."""
DECIDED = "decided"
"""The topic on which whoever asked is told."""
OVERRIDE_H = 1
_TOLD_WITHIN = timedelta(minutes=5)
_OPEN = 500


@dataclass(frozen=True)
class Gated:
    """What the gate says of a build; `reasons` are why it was denied, or what two people overrode."""

    service: str
    release: str
    digest: str
    allowed: bool
    reasons: tuple[str, ...]
    proven: tuple[str, ...]
    overridden: str
    summary: str


@dataclass(frozen=True)
class Denial:
    """What an override is about: this artifact and why it was denied; `summary` is what the second person reads."""

    release: str
    digest: str
    objections: tuple[Objection, ...]
    summary: str


async def pass_gate(tools: Tools, service: Service, deploy: Deploy, evidence: str) -> Gated:
    """Decide whether a build may be deployed, and record it; `evidence`: the artifact that holds what was shown of it.

    An override is used up with the decision that it changes.
    """
    proven = await _evidence(tools, service.gate, deploy.digest, evidence)
    found, override = await _situation(tools, service, deploy)
    held = [*found, *_late(tools)]
    # Tens of thousands of components take a while, and nobody else waits for it.
    decision = await asyncio.to_thread(decide, service.gate, proven, held, tools.now(), override)
    if decision.overridden and not await _used(tools, service, override):
        decision = await asyncio.to_thread(decide, service.gate, proven, held, tools.now())
    gated = Gated(
        service.name,
        deploy.release,
        deploy.digest,
        decision.allowed,
        decision.reasons,
        decision.proven,
        decision.overridden,
        _summary(deploy, decision),
    )
    _record(tools, deploy, decision, evidence)
    # Whoever asked is woken by the very commit that decides, and told by it.
    told = adapter_of(Gated).dump_json(gated).decode()
    tools.also(lambda tx: tools.ports.journal.signal(tx, tools.run_id, DECIDED, told))
    return gated


async def tell_denied(tools: Tools, service: Service, gated: Gated) -> None:
    """Tell the channel of a denial, for some minutes where it does not take it; that nobody was told is recorded.

    The channels of the service's open incidents are told by their timelines.
    """
    if not gated.allowed:
        ask = f"`/incident override {service.name} {gated.release} WHY`"
        way_out = f"If it cannot wait, {ask} asks a second person."
        reasons = "\n".join(f"• {each}" for each in gated.reasons)
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


async def last_denial(tools: Tools, service: Service, release: str) -> Denial:
    """Give what stands against a release.

    :raises CommandRejected: it was not denied, or has gone out since.
    """
    # What could not be read has no artifact, so there is nothing to let through.
    known = [each for each in await told_deploys(tools, service.name) if each.digest or not each.denied]
    deploys = [each for each in known if each.release == release]
    if not deploys or not deploys[-1].denied:
        names = ", ".join(dict.fromkeys(each.release for each in denied(known)[-5:]))
        raise CommandRejected(f"{release} of {service.name} is not denied. Denied lately: {names or 'nothing'}.")
    last = deploys[-1]
    reasons = "; ".join(map(str, last.denied))
    said = f"{service.name} {last.words} was denied at {last.at:%Y-%m-%d %H:%M} UTC: {reasons}."
    summary = f"{said} The artifact is {last.digest}."
    return Denial(release, last.digest, last.denied, summary)


def let_through(tools: Tools, service: Service, denial: Denial, reason: str) -> Override:
    """Let one deploy of this artifact through despite these objections, for an hour; with the step's result.

    :raises ApprovalRefused: nobody else has approved it.
    """
    second = tools.approved_by
    if second is None or second.id == tools.actor.id:
        raise ApprovalRefused("An override takes two people.")
    until = tools.now() + timedelta(hours=OVERRIDE_H)
    override = Override(denial.digest, denial.objections, tools.actor.name, second.name, until, tools.run_id)
    tools.keep(_key(service), Override, override)
    reasons = list(map(str, denial.objections))
    told = {"release": denial.release, "digest": denial.digest, "reasons": reasons, "until": to_us(until)}
    tools.record(Kind.DEPLOY_OVERRIDDEN, service=service.name, **told, name=second.name, reason=reason)
    return override


async def ask_where_people_are(tools: Tools, asked: Reply, key: str) -> None:
    """Ask in the channel of announcements what was asked outside of an incident's channel."""
    channel = tools.catalog.announcements
    if channel and not tools.incident_id:
        await tools.ports.poster.show(channel, asked, f"{key}:{tools.run_id}")


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
    return Evidence(digest, flaws=(found,)) if isinstance(found, Objection) else found


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
    """Give what the situation says against a deploy, and what two people have let through, as of one moment."""
    ports, name = tools.ports, service.name

    def look(tx: Tx) -> tuple[list[Objection], Override | None]:
        # Private ones hold a deploy up too; they are not named.
        rows = ports.timeline.incidents(tx, limit=_OPEN, private=True)
        told: Deploys = recalled(ports, tx, deploys_key(name), Deploys) or ()
        held = [*_frozen(ports, tx, name), *_incidents(rows, service), *_rolled_back(told, deploy)]
        return held, recalled(ports, tx, _key(service), Override)

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
            name = "an incident of the severity SEV1" if row.private else f"{row.id}, a SEV1,"
            yield Objection(Obstacle.INCIDENT, f"{name} is open")


def _late(tools: Tools) -> Iterator[Objection]:
    """Object to a decision that nobody waits for: whoever asked was told no, or nothing, long ago."""
    if tools.now() - tools.run_row.created_at > timedelta(seconds=ANSWERED_WITHIN_S):
        yield Objection(Obstacle.SLOW, f"it could not be decided within {ANSWERED_WITHIN_S:.0f} s")


def _same(one: Deploy, other: Deploy) -> bool:
    return one.digest == other.digest if one.digest and other.digest else one.release == other.release


async def _used(tools: Tools, service: Service, override: Override | None) -> bool:
    """Use an override up; tell whether this run is the one that has it, also when its step is repeated."""
    if override is None:
        return False
    tools.also(lambda tx: tools.ports.marks.put(tx, _key(service), "null"))
    return await tools.hold(f"override:{override.run}", FOR_EVER.total_seconds()) == tools.run_id


def _key(service: Service) -> str:
    return f"override:{service.name}"


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
