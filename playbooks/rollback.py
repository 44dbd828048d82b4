"""Roll a service back: no request reaches its canary any more, or the release before runs again."""

from dataclasses import dataclass

from bot.engine import (
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
    plan_rollback,
    set_traffic,
)


class Rollback(Params):
    """Of which service (the incident's, if left out), and why. `rollback=yes`: now, by one authorised person."""

    service: ServiceName = ""
    rollback: bool = False
    reason: Rest = Field("", title="Why?")


@dataclass(frozen=True)
class RolledBack:
    """What the router says after it."""

    service: str
    before: str
    after: str
    summary: str


playbook = Playbook("rollback", "Roll a service back, when a second person agrees.", Rollback, approvals=1)


@playbook.gate
async def place(tools: Tools, params: Rollback) -> None:
    """Find the incident that it belongs to, so that a second person is asked where people are."""
    await concern(tools, params.service, "Rollback")


@playbook.step("Plan")
async def plan(tools: Tools, params: Rollback) -> Course:
    """Read the router and give the exact commands: they are what is approved."""
    return await plan_rollback(tools, await concern(tools, params.service, "Rollback"))


@playbook.step("Roll back", danger=Danger.MUTATING)
async def roll_back(tools: Tools, params: Rollback, course: Course) -> RolledBack:
    """Make the moves and read the router back, whatever it answers."""
    service = await concern(tools, params.service, "Rollback")
    now = await change_traffic(tools, service, course)
    set_traffic(tools, service, course, now, params.reason)
    return RolledBack(service.name, course.before.words, now.words, f"{service.name} is rolled back: {now.words}.")
