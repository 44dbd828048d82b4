"""The five-minute SOP: declare, capture, diagnose, decide, mitigate; then escalate if nobody mitigated."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.engine import (
    SOP_S,
    Incident,
    Judgement,
    Kind,
    Missing,
    OnCall,
    Outcome,
    Params,
    Person,
    Playbook,
    Reached,
    RunFailed,
    RunStatus,
    Status,
    Tools,
    TransitionRefused,
    deploys_of,
    running,
    suspected,
)

_PAGE_AGAIN_S = 15.0
_PAGE_TRIES = 20


class Sop(Params):
    """Nothing to say: the incident says it."""


@dataclass(frozen=True)
class Declared:
    """What is known of the moment."""

    summary: str


@dataclass(frozen=True)
class Captured:
    """Which run took the snapshot, and of what."""

    summary: str
    service: str
    run_id: str


@dataclass(frozen=True)
class Diagnosed:
    """What is wrong, if anything stood out."""

    summary: str


@dataclass(frozen=True)
class Decided:
    """What is proposed; `rollback`: of which service, "" if that is not it."""

    summary: str
    rollback: str = ""


@dataclass(frozen=True)
class Mitigated:
    """Who said that users are safe."""

    summary: str


@dataclass(frozen=True)
class Escalated:
    """Who was reached at 5:00, and how."""

    summary: str


playbook = Playbook(
    "sop", "Run the five minutes: declare, capture, diagnose, decide, mitigate.", Sop, needs_incident=True
)


@playbook.gate
async def may_begin(tools: Tools, params: Sop) -> None:  # noqa: ARG001 - every step takes its params
    """Let one run at a time have the five minutes of an open incident."""
    incident = await tools.incident()
    if incident.status is not Status.OPEN:
        raise TransitionRefused(f"{incident.id} is {incident.status.value}. `/incident diagnose` looks at it again.")
    if await tools.hold(f"sop:{incident.id}", SOP_S) != tools.run_id:
        raise TransitionRefused(f"The five minutes of {incident.id} run already; its card shows them.")


@playbook.step("Declare", budget_s=30, optional=True)
async def declare(tools: Tools, params: Sop) -> Declared:  # noqa: ARG001 - as above
    """Say what changed."""
    incident = await tools.incident()
    outcome = await tools.run("changes", {"service": incident.service})
    return Declared(f"Reported by {incident.reporter.name}. {_summary(outcome)}")


@playbook.step("Capture", budget_s=60, optional=True)
async def capture(tools: Tools, params: Sop) -> Captured:  # noqa: ARG001 - as above
    """Take a snapshot of every target; without a service, wait until somebody names one."""
    service = (await tools.incident()).service or await tools.wait("service")
    outcome = await tools.run("snapshot", {"service": service})
    return Captured(_summary(outcome), service, outcome.run_id)


@playbook.step("Diagnose", budget_s=30, optional=True)
async def diagnose(tools: Tools, params: Sop, captured: Captured | Missing) -> Diagnosed:  # noqa: ARG001 - as above
    """Read the snapshot, also one that is still on its way."""
    service = (await tools.incident()).service
    if not service:
        raise RunFailed("no service is named, so nothing was captured")
    snapshot = f"{tools.run_id}.snapshot" if isinstance(captured, Missing) else captured.run_id
    outcome = await tools.run("diagnose", {"service": service, "snapshot": snapshot})
    said = _summary(outcome)
    # The card shows the verdict in full right below; its phase needs the name only.
    return Diagnosed(f"{said.partition(':')[0]}." if outcome.result["verdict"] else said)


@playbook.step("Decide", budget_s=30, optional=True)
async def decide(tools: Tools, params: Sop, diagnosed: Diagnosed | Missing) -> Decided:  # noqa: ARG001 - as above
    """Ask the decision tree."""
    service = (await tools.incident()).service
    if not service:
        raise RunFailed("no service is named, so there is nothing to decide")
    await _look_for_culprit(tools, service)
    outcome = await tools.run("canary", {"service": service})
    bad = outcome.result.get("judgement") in {Judgement.ROLLBACK, Judgement.HOLD} and outcome.result.get("choices")
    # As above: numbers that matter stand on the card right below, and all of them on the incident's page.
    judgement, is_judged, _ = _summary(outcome).partition(".* ")
    return Decided(f"{judgement}.*" if is_judged else judgement, service if bad else "")


@playbook.step("Mitigate", budget_s=150)
async def mitigate(
    tools: Tools,
    params: Sop,  # noqa: ARG001 - as above
    diagnosed: Diagnosed | Missing,
    decided: Decided | Missing,
) -> Mitigated:
    """Ask the commander, and wait for somebody to say that users are safe."""
    incident = await tools.incident()
    if incident.status is not Status.OPEN:
        return Mitigated(_over(incident))
    whom = incident.commander
    known = diagnosed.summary if isinstance(diagnosed, Diagnosed) else f"No diagnosis: {diagnosed.reason}."
    rollback = decided.rollback if isinstance(decided, Decided) else ""
    way_out = f"Roll back {rollback}: its canary is bad. P" if rollback else "Roll back, restart or divert, and p"
    text = f"{known} {way_out}ress Mitigated when users are safe."
    await tools.publish("ask", Kind.ASKED, person=whom.id if whom else "", text=text, rollback=rollback)
    who, now = await tools.wait("mitigated"), await tools.incident()
    return Mitigated(f"{who} says users are safe" if now.counts else _over(now))


@playbook.step("Escalate")
async def escalate(tools: Tools, params: Sop, mitigated: Mitigated | Missing) -> Escalated:  # noqa: ARG001 - as above
    """Page who is on call for SEV1 and SEV2, and say who was reached; keep trying whoever was not."""
    incident = await tools.incident()
    if incident.status is not Status.OPEN:
        return Escalated(f"{incident.id} is {incident.status.value}, so nobody is paged")
    if incident.drill:
        return _told(tools, [], "Five minutes are over unmitigated. A drill pages nobody.")
    if not incident.severity.pages:
        return _told(tools, [], f"Five minutes are over unmitigated. {incident.severity.value} pages nobody.")
    on_call = tools.ports.pager.on_call
    rota = await tools.once("on call", OnCall, lambda: tools.ports.rota.on_call(incident.service))
    # Whoever is known to a paging service only is reached by that service.
    people = [*on_call, *(person for person in rota.people if not (on_call and ":" in person.id))]
    if not people:
        why = rota.note or "on_call is empty in the configuration, and no paging service is configured"
        return _told(tools, [], f"Five minutes are over unmitigated. Nobody was paged: {why}.")
    where = f"<#{incident.channel}>" if incident.channel else f"/incident status {incident.id}"
    title = "(private)" if incident.private else incident.title
    text = f"{incident.id} {incident.severity.value} {title}: not mitigated after five minutes. You are needed: {where}"
    reached: dict[str, Reached] = {}
    for attempt in range(_PAGE_TRIES):
        missing = [person for person in people if person.id not in reached or not reached[person.id].ok]
        tried = await asyncio.gather(*(_page(tools, person, text, attempt) for person in missing))
        reached |= {each.person.id: each for each in tried}
        if all(each.ok for each in reached.values()):
            break
        if attempt == 0:
            await tools.publish("first", Kind.ESCALATED, reached=_rows(reached), text=_said(reached, "Trying again."))
        await tools.pause(_PAGE_AGAIN_S)
    pages = [_key(tools, person) for person in on_call if reached[person.id].ok]
    for key in pages:
        tools.begin("paging", {"key": key})
    return _told(tools, _rows(reached), _said(reached, ""), pages)


async def _look_for_culprit(tools: Tools, name: str) -> None:
    """Begin a bisect of what a rollback would take back, if it is configured what tells whether the service is well."""
    service = tools.service(name)
    deploys = await deploys_of(tools, service) if service.regression else ()
    now = tools.now()
    found, last = suspected(deploys, now), running(deploys, now).last
    # What waits at the gate may not run yet: what was bad then is what ran last, so the search holds both.
    good = suspected(deploys, now, last.release).good if last is not None else found.good
    if found.bad is not None and found.bad.commit:
        tools.begin("bisect", {"service": name, "bad": found.bad.commit, "good": good.commit if good else ""})


def _over(incident: Incident) -> str:
    """Say why there is nothing to mitigate any more."""
    if incident.cancelled:
        return "it was called off"
    return f"it is part of {incident.merged_into} now" if incident.merged_into else f"it is {incident.status} already"


def _summary(outcome: Outcome) -> str:
    """Give the first line a child run ended with; a child that failed fails the phase."""
    if outcome.status is not RunStatus.DONE:
        raise RunFailed(outcome.reason or f"it ended as {outcome.status.value}")
    told = str(outcome.result.get("summary") or outcome.result.get("text", ""))
    return told.partition("\n")[0]


async def _page(tools: Tools, person: Person, text: str, attempt: int) -> Reached:
    key = _key(tools, person)
    return await tools.once(f"{person.id}:{attempt}", Reached, lambda: tools.ports.pager.page(person, text, key))


def _key(tools: Tools, person: Person) -> str:
    return f"firstfive:{tools.run_id}:{person.id}"


def _rows(reached: dict[str, Reached]) -> list[dict[str, str | bool]]:
    return [{"person": r.person.name, "how": r.how, "ok": r.ok, "reason": r.reason} for r in reached.values()]


def _said(reached: dict[str, Reached], then: str) -> str:
    good = [f"{each.person.name} ({each.how})" for each in reached.values() if each.ok and each.paged]
    told = [f"{each.person.name} ({each.how})" for each in reached.values() if each.ok and not each.paged]
    bad = [f"{each.person.name} ({each.reason})" for each in reached.values() if not each.ok]
    parts = ["Five minutes are over unmitigated."]
    parts += [f"Paged {', '.join(good)}."] if good else []
    parts += [f"Mentioned, not paged: {', '.join(told)}."] if told else []
    parts += [f"Could not reach {', '.join(bad)}."] if bad else []
    return " ".join([*parts, then]).strip()


def _told(tools: Tools, reached: list[dict[str, str | bool]], text: str, pages: Sequence[str] = ()) -> Escalated:
    tools.record(Kind.ESCALATED, reached=reached, text=text, pages=list(pages))
    return Escalated(text)
