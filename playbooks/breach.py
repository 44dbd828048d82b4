"""Tell the open incident of a service that its canary is bad, or open one; the card there offers the way out."""

from datetime import timedelta

from bot.engine import (
    Judgement,
    Kept,
    Kind,
    Milestone,
    MilestoneRefused,
    Params,
    Playbook,
    Reply,
    Service,
    ServiceName,
    Tools,
    breach_key,
    check_milestone,
    concern,
    last_change,
    note_drift,
    tell_judged,
    to_us,
)

_VETOED = timedelta(days=1)


class Breach(Params):
    """Of which service; with `drift=yes`, that somebody else has changed its router."""

    service: ServiceName
    drift: bool = False


playbook = Playbook("breach", "Tell an incident that a canary is bad, or that somebody changed its router.", Breach)


@playbook.step("Tell it")
async def tell(tools: Tools, params: Breach) -> Reply:
    """Put the judgement, as it was kept, on the incident that people look at."""
    service = await concern(tools, params.service, "The canary of {} is bad", opens=not params.drift)
    if params.drift:
        return await _tell_drift(tools, service)
    kept = await tools.recall(breach_key(service.name), Kept)
    if kept is None:
        return Reply(f"Nothing bad of the canary of {service.name} is known.")
    veto = await _veto(tools, service)
    await tell_judged(tools, service, kept, "breach", veto)
    await _date(tools, kept)
    await _act(tools, service, kept, is_vetoed=bool(veto))
    return Reply(f"The canary of {service.name} is bad: {kept.judged.words}.", incident_id=tools.incident_id)


async def _act(tools: Tools, service: Service, kept: Kept, *, is_vetoed: bool) -> None:
    """Take its traffic away where two people have let that be done; page whoever is on call where nothing may be."""
    reasons = [reason for reason in kept.judged.reasons if reason.decides and reason.judgement.is_bad]
    if all(reason.judgement is Judgement.HOLD and reason.rule == "errors" for reason in reasons):
        return  # both tracks fail: it is not the canary
    frozen = await tools.frozen(service.name)
    if frozen is not None:
        text = f"The canary of {service.name} is bad, and nothing may be changed. {frozen.words}"
        tools.begin("page", {"service": service.name, "text": text})
    elif not is_vetoed and await tools.standing(service.name) is not None:
        tools.begin("empty", {"service": service.name, "reason": kept.judged.words})


async def _veto(tools: Tools, service: Service) -> str:
    """Say that people gave the canary its traffic back lately: that is not taken away again but by people; else ""."""
    last = await last_change(tools, service)
    if last is None or not last.restored or tools.now() - last.at >= _VETOED:
        return ""
    until = last.at + _VETOED
    return (
        f"people gave the canary its traffic back at {last.at:%H:%M} UTC, so that until {until:%Y-%m-%d %H:%M} UTC "
        "FirstFive takes nothing away by itself"
    )


async def _date(tools: Tools, kept: Kept) -> None:
    """Say since when it is bad, unless somebody has: since the first request of the canary that failed of late."""
    failed_at = next((sight.at for sight in kept.sights if sight.canary.errors), None)
    incident = await tools.incident()
    if failed_at is None or Milestone.STARTED in incident.milestones:
        return
    try:
        check_milestone(incident.milestones, Milestone.STARTED, failed_at, tools.now())
    except MilestoneRefused:
        return
    source = "the canary's first failed request"
    tools.record(Kind.MILESTONE, milestone=Milestone.STARTED.value, at=to_us(failed_at), source=source)


async def _tell_drift(tools: Tools, service: Service) -> Reply:
    """Tell the incident; if there is none, whoever reads announcements."""
    drift = await note_drift(tools, service)
    if drift and tools.catalog.announcements and not tools.incident_id:
        await tools.ports.poster.post(tools.catalog.announcements, drift, f"drift:{tools.run_id}")
    return Reply(drift or f"The router of {service.name} does what FirstFive told it.")
