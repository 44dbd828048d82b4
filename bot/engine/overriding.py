"""A denied deploy that two people let through: what is asked of the second, what is kept, and how it is used up.

Each artifact has an override of its own; a newer one of the same artifact takes the place of the one before.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.deploys import denied, stays_denied
from bot.domain.errors import ApprovalRefused, CommandRejected
from bot.domain.gate.decision import Override
from bot.domain.gate.evidence import Objection
from bot.domain.run import Choice, Reply
from bot.domain.service import Service
from bot.domain.timeline import Kind, to_us
from bot.engine.deploys import told_deploys
from bot.engine.ports import Ports
from bot.engine.tools import Tools, adapter_of, recalled
from bot.ports import Tx

OVERRIDE_H = 1


@dataclass(frozen=True)
class Denial:
    """What an override is about: this artifact and why it was denied; `summary` is what the second person reads."""

    release: str
    digest: str
    objections: tuple[Objection, ...]
    summary: str


async def last_denial(tools: Tools, service: Service, release: str) -> Denial:
    """Give what stands against a release.

    :raises CommandRejected: it was not denied, or has gone out since.
    """
    # What could not be read has no artifact, so there is nothing to let through.
    known = [each for each in await told_deploys(tools, service.name) if each.digest or not each.denied]
    deploys = [each for each in known if each.release == release]
    if not deploys or not stays_denied(deploys[-1]):
        names = ", ".join(dict.fromkeys(each.release for each in denied(known)[-5:]))
        raise CommandRejected(f"{release} of {service.name} is not denied. Denied lately: {names or 'nothing'}.")
    last = deploys[-1]
    reasons = "; ".join(map(str, last.denied))
    # The artifact first: whatever has no room for all of it says of which artifact it is.
    summary = f"{service.name} {last.words}, {last.digest}, was denied at {last.at:%Y-%m-%d %H:%M} UTC: {reasons}."
    return Denial(release, last.digest, last.denied, summary)


async def ask_where_people_are(tools: Tools, text: str, key: str) -> None:
    """Ask in the channel of announcements for the approval of this run, where it belongs to no incident's channel."""
    channel, run = tools.catalog.announcements, tools.run_id
    if channel and not tools.incident_id:
        choices = (Choice("Approve", f"approve run={run}"), Choice("Refuse", f"refuse run={run}"))
        await tools.ports.poster.show(channel, Reply(text, choices, page=f"/approvals/{run}"), f"{key}:{run}")


def let_through(tools: Tools, service: Service, denial: Denial, reason: str) -> Override:
    """Let one deploy of this artifact through despite these objections, for an hour; with the step's result.

    :raises ApprovalRefused: nobody else has approved it.
    """
    second = tools.approved_by
    if second is None or second.id == tools.actor.id:
        raise ApprovalRefused("An override takes two people.")
    until = tools.now() + timedelta(hours=OVERRIDE_H)
    override = Override(denial.digest, denial.objections, tools.actor.name, second.name, until, tools.run_id)
    tools.keep(_key(service.name, denial.digest), Override, override)
    reasons = list(map(str, denial.objections))
    told = {"release": denial.release, "digest": denial.digest, "reasons": reasons, "until": to_us(until)}
    tools.record(Kind.DEPLOY_OVERRIDDEN, service=service.name, **told, name=second.name, reason=reason)
    return override


def kept_override(ports: Ports, tx: Tx, service: str, digest: str) -> Override | None:
    """Give what two people have agreed to about an artifact last, used or not."""
    # Earlier releases kept one for each service, of whichever artifact.
    found = [recalled(ports, tx, key, Override) for key in (_key(service, digest), f"override:{service}")]
    return next((each for each in found if each is not None and each.digest == digest), None)


async def use_override(tools: Tools, service: str, override: Override, result: tuple[str, str]) -> bool:
    """Use an override up in the commit that records what goes out by it: all of that, or nothing.

    What the step has left behind so far is recorded with it, and `result`, a key and JSON, is remembered for a step
    that is begun again. False: it was used up by another run meanwhile, or replaced, and nothing was recorded.

    :raises FenceLost: another worker has the run now.
    """
    effects, now = tools.take_pending(), tools.now()

    def act(tx: Tx) -> bool:
        if not _take(tools.ports, tx, service, replace(override, used_at=now)):
            return False
        tools.ports.journal.remember(tx, tools.run_row, *result, now)
        for effect in effects:
            effect(tx)
        return True

    used = await tools.ports.store.write(act)
    if used:
        tools.memos.update([result])
    return used


def _take(ports: Ports, tx: Tx, service: str, used: Override) -> bool:
    """Mark an override as used, unless it is not there any more as it was; whoever else does so at the same time."""
    key = _key(service, used.digest)
    was = ports.marks.get(tx, key)
    if kept_override(ports, tx, service, used.digest) != replace(used, used_at=None):
        return False
    return ports.marks.swap(tx, key, was, adapter_of(Override).dump_json(used).decode())


def _key(service: str, digest: str) -> str:
    return f"override:{service}:{digest}"
