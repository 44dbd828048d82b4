"""Roll a service back: no request reaches its canary any more, or the release before runs again; then prove it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.engine import (
    CommandRejected,
    Course,
    Danger,
    Deploy,
    Field,
    Judgement,
    Keyed,
    Lookout,
    Params,
    Playbook,
    Reason,
    Rest,
    Running,
    ServiceName,
    Tools,
    change_traffic,
    concern,
    deploys_of,
    gates,
    kept_watch,
    note_drift,
    plan_rollback,
    prove_safe,
    record_taken_back,
    running,
    set_traffic,
    suspected,
    tell_proof,
)

_LOOKS = 4
_NAMED = 5


class Rollback(Params):
    """Of which service (the incident's, if left out), and why. `rollback=yes`: now, by one authorised person.

    `release` is the one that counts as taken back, where it is not the one that the plan would name.
    """

    service: ServiceName = ""
    release: Keyed = Field("", max_length=100, title="Which release is bad?", description="If left out, the plan says")
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
    deploys, now = await deploys_of(tools, service), tools.now()
    found = suspected(deploys, now, params.release)
    if params.release and found.bad is None:
        known = await gates.told_deploys(tools, service.name)
        names = ", ".join(dict.fromkeys(each.release for each in known[-_NAMED:] if not each.denied))
        raise CommandRejected(f"{params.release} of {service.name} never went out. Known: {names or 'nothing'}.")
    course = await plan_rollback(tools, service)
    said = [course.summary, *_told(service.name, running(deploys, now), found.bad, now)]
    if found.good is not None:
        said.append(f"Last known good: {found.good.words}.")
    return Planned(course.before, course.wanted, course.moves, " ".join(said), found.bad.release if found.bad else "")


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


def _told(service: str, runs: Running, bad: Deploy | None, now: datetime) -> Iterator[str]:
    """Say what was deployed last and, unless that alone can be meant, what counts as taken back instead of what."""
    last, coming = runs.last, runs.coming
    if last is not None:
        yield f"Deployed last: {last.words}."
    if bad is None or (bad == last and coming is None):
        return
    said, other = f"{bad.words} counts as taken back", last
    if coming is not None:
        passed = f"{coming.words}, which the gate let through at {coming.clock(now)} UTC and nobody told as deployed"
        said = f"{passed}, counts as taken back" if bad == coming else f"{said}, and not {passed}"
        other = last if bad == coming else coming
    if other is not None and other.release != bad.release:
        said += f"; to take back {other.release} instead: `/incident rollback {service} release={other.release}`"
    yield f"{said}."
