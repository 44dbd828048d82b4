"""Roll a service back: no request reaches its canary any more, or the release before runs again; then prove it."""

from dataclasses import dataclass

from bot.engine import (
    Course,
    Danger,
    Field,
    Judgement,
    Lookout,
    Params,
    Playbook,
    Reason,
    Rest,
    ServiceName,
    Tools,
    change_traffic,
    concern,
    deploys_of,
    kept_watch,
    note_drift,
    plan_rollback,
    prove_safe,
    record_taken_back,
    running,
    set_traffic,
    tell_proof,
)

_LOOKS = 4


class Rollback(Params):
    """Of which service (the incident's, if left out), and why. `rollback=yes`: now, by one authorised person."""

    service: ServiceName = ""
    rollback: bool = Field(
        default=False, title="Now, without a second person", description="Breaks the glass: takes the right, and why"
    )
    reason: Rest = Field("", title="Why?")


@dataclass(frozen=True)
class Measured:
    """How the canary is judged at the moment; that nothing can be measured keeps nobody from rolling back."""

    judgement: Judgement
    reasons: tuple[Reason, ...]
    summary: str


@dataclass(frozen=True)
class Planned(Course):
    """The course, and which release it takes back: the `bad` one, "" where none is known."""

    bad: str = ""


@dataclass(frozen=True)
class Set:
    """What the router said before and says now."""

    before: str
    after: str
    summary: str


@dataclass(frozen=True)
class RolledBack:
    """How it was judged, what was done, and whether users are safe now."""

    service: str
    judgement: Judgement
    reasons: tuple[Reason, ...]
    before: str
    after: str
    safe: bool
    summary: str


playbook = Playbook(
    "rollback", "Roll a service back, when a second person agrees.", Rollback, approvals=1, break_glass="rollback"
)


@playbook.gate
async def place(tools: Tools, params: Rollback) -> None:
    """Find the incident that it belongs to, so that a second person is asked where people are."""
    await concern(tools, params.service, "Rollback of {}")


@playbook.step("Measure")
async def measure(tools: Tools, params: Rollback) -> Measured:
    """Say how the canary is judged now: by whoever watches it, or by a few looks; in a hurry, not at all."""
    service = await concern(tools, params.service, "Rollback of {}")
    if service.canary is None:
        return Measured(Judgement.INCONCLUSIVE, (), "Not measured: no canary is configured.")
    lookout = Lookout(tools, service.canary, service, await kept_watch(tools, service))
    if not lookout.is_warm and params.rollback:
        return Measured(Judgement.INCONCLUSIVE, (), "Not measured: it could not wait.")
    for _ in range(0 if lookout.is_warm else _LOOKS):
        await lookout.look()
        if lookout.looks and lookout.looks[-1].missing:
            break  # nobody waits for numbers that do not come
    judged = lookout.kept.judged
    return Measured(judged.judgement, judged.reasons, f"{judged.judgement.value}: {judged.words}.")


@playbook.step("Plan")
async def plan(tools: Tools, params: Rollback) -> Planned:
    """Read the router and give the exact commands: they are what is approved; and say from what to what it goes."""
    service = await concern(tools, params.service, "Rollback of {}")
    course = await plan_rollback(tools, service)
    runs = running(await deploys_of(tools, service), tools.now())
    said, bad = [course.summary], runs.coming or runs.last
    if runs.last is not None:
        said.append(f"Deployed last: {runs.last.words}.")
    if runs.coming is not None:
        told = f"The gate has let {runs.coming.words} through since, and nobody told whether it runs"
        said.append(f"{told}: that is what counts as taken back.")
    if runs.good is not None:
        said.append(f"Last known good: {runs.good.words}.")
    return Planned(course.before, course.wanted, course.moves, " ".join(said), bad.release if bad else "")


@playbook.step("Roll back", danger=Danger.MUTATING)
async def roll_back(tools: Tools, params: Rollback, course: Planned) -> Set:
    """Make the moves and read the router back, whatever it answers; remember as taken back what was said to be."""
    service = await concern(tools, params.service, "Rollback of {}")
    now = await change_traffic(tools, service, course)
    already = set_traffic(tools, service, course, now, params.reason)
    if course.bad:  # what was let through since is not what was bad: it may be what mends it
        record_taken_back(tools, service, course.bad, tools.now())
    return Set(course.before.words, now.words, f"{service.name} is rolled back: {now.words}.{already}")


@playbook.step("Verify")
async def verify(tools: Tools, params: Rollback, measured: Measured, done: Set) -> RolledBack:
    """Ask the same counters until users are safe, and the router whether it still does what it was told."""
    service = await concern(tools, params.service, "Rollback of {}")
    proof = await prove_safe(tools, service)
    tell_proof(tools, service, proof)
    drift = await note_drift(tools, service)
    summary = " ".join(filter(None, [done.summary, proof.words, drift]))
    return RolledBack(
        service.name, measured.judgement, measured.reasons, done.before, done.after, proof.safe and not drift, summary
    )
