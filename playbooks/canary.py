"""Judge a canary: watch both tracks for a while, and say whether it may stay."""

from dataclasses import dataclass, field

from bot.engine import (
    CanaryPlan,
    Choice,
    CommandRejected,
    Judgement,
    Kept,
    Lookout,
    Params,
    Playbook,
    Reason,
    Reply,
    ServiceName,
    Tools,
    judgement_lines,
    kept_watch,
    tell_judged,
)

_LONGEST_S = 120
_LAST_S = 5.0


class Canary(Params):
    """Of which service (the incident's, if left out), and for how long at most; it ends when it is clear."""

    service: ServiceName = ""
    seconds: int = 20


@dataclass(frozen=True)
class Seen(Reply):
    """The judgement, and the reasons for it with their numbers."""

    judgement: Judgement = Judgement.INCONCLUSIVE
    reasons: tuple[Reason, ...] = field(default=())


playbook = Playbook("canary", "Judge a service's canary beside its baseline.", Canary)


@playbook.step("Watch both tracks")
async def watch(tools: Tools, params: Canary) -> Seen:
    """Look every second until it is clear, or the time is over; a bad canary comes with the way out."""
    service = tools.service(params.service or ((await tools.incident()).service if tools.incident_id else ""))
    if not 1 <= params.seconds <= _LONGEST_S:
        raise CommandRejected(f"seconds={params.seconds}: choose 1 to {_LONGEST_S}.")
    plan = service.canary
    if plan is None:
        return Seen(f"No canary is configured for {service.name}, so no rollback is proposed.")
    lookout = Lookout(tools, plan, service, await kept_watch(tools, service))
    seen = await tools.once("looks", Kept, lambda: _clear(tools, lookout, plan, params.seconds))
    shown = await tell_judged(tools, service, seen, "looked")
    about = f" incident={tools.incident_id}" if tools.incident_id else ""
    way_out = Choice(f"Roll back {service.name}", f"rollback {service.name}{about}")
    return Seen(
        judgement_lines(service.name, seen.judged, seen.sights),
        (way_out,) if service.route is not None and seen.judged.judgement.is_bad else (),
        artifact=shown,
        judgement=seen.judged.judgement,
        reasons=seen.judged.reasons,
    )


async def _clear(tools: Tools, lookout: Lookout, plan: CanaryPlan, seconds: int) -> Kept:
    """Look until a rollback is due, or what else there is to say has stayed the same for a while."""
    began, same_since, before = tools.now(), tools.now(), lookout.kept.judged
    judged = await lookout.look()
    while (tools.now() - began).total_seconds() + plan.interval_s <= seconds:
        judged = await lookout.look()
        if judged.judgement is not before.judgement:
            same_since, before = tools.now(), judged
        lasts = (tools.now() - same_since).total_seconds() >= _LAST_S
        if judged.judgement is Judgement.ROLLBACK or (lasts and judged.judgement is not Judgement.INCONCLUSIVE):
            break
    return lookout.kept
