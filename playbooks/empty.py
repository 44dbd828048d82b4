"""Take the new traffic away from a canary: FirstFive by itself where two people have let it, else two people."""

from dataclasses import dataclass

from bot.engine import (
    EMPTIED,
    Course,
    Danger,
    Field,
    Params,
    Playbook,
    Rest,
    ServiceName,
    Tools,
    change_traffic,
    concern,
    note_drift,
    plan_traffic,
    prove_safe,
    set_traffic,
    tell_proof,
)

_TITLE = "The canary of {} is bad"


class Empty(Params):
    """Of which service (the incident's, if left out), and why."""

    service: ServiceName = ""
    reason: Rest = Field("", title="Why?")


@dataclass(frozen=True)
class Set:
    """What the router says now."""

    summary: str


@dataclass(frozen=True)
class Emptied:
    """What the router says now, and whether users are safe."""

    service: str
    safe: bool
    summary: str


playbook = Playbook("empty", "Take the new traffic away from a canary.", Empty, approvals=1, standing=True)


@playbook.gate
async def place(tools: Tools, params: Empty) -> None:
    """Find the incident that it belongs to, so that people see it."""
    await concern(tools, params.service, _TITLE)


@playbook.step("Plan")
async def plan(tools: Tools, params: Empty) -> Course:
    """Read the router and give the exact commands; marked requests still reach the canary, to look at it."""
    return await plan_traffic(tools, await concern(tools, params.service, _TITLE), EMPTIED)


@playbook.step("Take its traffic away", danger=Danger.MUTATING)
async def empty(tools: Tools, params: Empty, course: Course) -> Set:
    """Make the moves and read the router back, whatever it answers."""
    service = await concern(tools, params.service, _TITLE)
    now = await change_traffic(tools, service, course)
    already = set_traffic(tools, service, course, now, params.reason)
    return Set(f"The canary of {service.name} gets no new traffic: {now.words}.{already}")


@playbook.step("Verify")
async def verify(tools: Tools, params: Empty, done: Set) -> Emptied:
    """Ask the same counters until users are safe, and the router whether it still does what it was told."""
    service = await concern(tools, params.service, _TITLE)
    proof = await prove_safe(tools, service)
    tell_proof(tools, service, proof)
    drift = await note_drift(tools, service)
    summary = " ".join(filter(None, [done.summary, proof.words, drift]))
    return Emptied(service.name, proof.safe and not drift, summary)
