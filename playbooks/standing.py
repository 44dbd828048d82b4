"""Let FirstFive take the traffic from a bad canary by itself, as two people agree; or not any more."""

from dataclasses import dataclass
from enum import StrEnum

from bot.engine import (
    ApprovalRefused,
    CommandRejected,
    Danger,
    Params,
    Playbook,
    Reply,
    Right,
    ServiceName,
    Tools,
    gates,
    stand,
    withdraw,
)


class State(StrEnum):
    """Whether it may."""

    ON = "on"
    OFF = "off"


class StandingApproval(Params):
    """Of which service; on takes a second person, off takes one."""

    service: ServiceName
    state: State


@dataclass(frozen=True)
class Rules:
    """What is agreed to; `summary` is what the second person is shown."""

    summary: str


playbook = Playbook(
    "standing",
    "Let FirstFive empty a bad canary by itself, or not any more.",
    StandingApproval,
    approvals=1,
    freezable=False,
)


@playbook.alone
async def is_withdrawn(tools: Tools, params: StandingApproval) -> bool:
    """Tell whether it only takes back what FirstFive may do."""
    return bool(tools.run_id) and params.state is State.OFF


@playbook.step("Show the rules")
async def show(tools: Tools, params: StandingApproval) -> Rules:
    """Say what FirstFive may do by itself then, and nothing more."""
    service = tools.service(params.service)
    if params.state is State.OFF:
        return Rules(f"FirstFive changes nothing of {service.name} by itself any more.")
    if service.route is None or service.canary is None:
        raise CommandRejected(f"{service.name} needs a router and a canary in the configuration to have one.")
    ruling = await tools.may(Right.APPROVE, service.name)
    if not ruling.granted:
        raise ApprovalRefused(ruling.reason)
    policy, kind = service.canary.policy, service.route.kind
    said = (
        f"By itself, FirstFive may take the weight from the canary of {service.name} ({kind}) and nothing else, when "
        f"more than {policy.errors_over:.0%} of its requests fail within {policy.errors_window_s:.0f} s, or its P95 is "
        f"{policy.latency_over_s:g} s over its baseline's for {policy.latency_window_s:.0f} s. Every change of these "
        f"rules or the router voids this."
    )
    text = f"*{tools.actor.name} asks for a standing approval.* {said}"
    await gates.ask_where_people_are(tools, text, "standing")
    return Rules(said)


@playbook.step("Set it", danger=Danger.MUTATING)
async def set_(tools: Tools, params: StandingApproval, rules: Rules) -> Reply:
    """Keep it and tell it."""
    service = tools.service(params.service)
    if params.state is State.OFF:
        withdraw(tools, service)
        return Reply(rules.summary)
    standing = await stand(tools, service)
    return Reply(f"{rules.summary} Agreed by {standing.asked_by.name} and {standing.approved_by.name}.")
