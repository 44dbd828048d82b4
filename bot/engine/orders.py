"""What people order for a service, until they take it back: a freeze, a standing approval."""

from datetime import timedelta

from bot.domain.approval import Refused
from bot.domain.authority import Frozen, Right, Standing
from bot.domain.errors import ApprovalRefused, CommandRejected
from bot.domain.service import Service
from bot.domain.timeline import Kind, to_us
from bot.engine.authority import FROZEN, STANDING, frozen_key, policy_sha256, standing_key
from bot.engine.permission import alone
from bot.engine.tools import Tools


async def freeze(tools: Tools, service: Service, reason: str, length: timedelta | None) -> Frozen:
    """Hold everything that would change a service, for a while or until it is thawed; with the step's result.

    :raises ApprovalRefused: whoever asked has no right on the service.
    """
    await _check(tools, service)
    now = tools.now()
    frozen = Frozen(service.name, reason, tools.actor, now, now + length if length else None)
    _put(tools, frozen_key(service.name), FROZEN.dump_json(frozen).decode())
    until = {"until": to_us(frozen.until)} if frozen.until else {}
    tools.record(Kind.FROZEN, service=service.name, reason=reason, **until)
    return frozen


async def thaw(tools: Tools, service: Service, reason: str) -> Frozen:
    """End a freeze, with the step's result; give it.

    :raises ApprovalRefused: whoever asked has no right on the service.
    :raises CommandRejected: it is not frozen.
    """
    await _check(tools, service)
    frozen = await tools.frozen(service.name)
    if frozen is None:
        raise CommandRejected(f"{service.name} is not frozen.")
    _put(tools, frozen_key(service.name), FROZEN.dump_json(None).decode())
    tools.record(Kind.THAWED, service=service.name, reason=reason)
    return frozen


async def stand(tools: Tools, service: Service) -> Standing:
    """Let FirstFive empty a service's canary by itself, by the rules as they are now; with the step's result.

    :raises ApprovalRefused: whoever asked may not approve for the service, or nobody else has approved.
    """
    ruling = await tools.may(Right.APPROVE, service.name)
    if not ruling.granted:
        raise ApprovalRefused(ruling.reason)
    second = tools.approved_by
    if second is None or second.id == tools.actor.id:
        raise ApprovalRefused("A standing approval takes two people.")
    standing = Standing(service.name, policy_sha256(service), tools.actor, second, tools.now())
    _put(tools, standing_key(service.name), STANDING.dump_json(standing).decode())
    _tell(tools, service, on=True, policy=standing.policy, name=second.name)
    return standing


def withdraw(tools: Tools, service: Service) -> None:
    """Take a standing approval back, with the step's result."""
    _put(tools, standing_key(service.name), STANDING.dump_json(None).decode())
    _tell(tools, service, on=False, policy="", name="")


def _tell(tools: Tools, service: Service, *, on: bool, policy: str, name: str) -> None:
    tools.record(Kind.STANDING_SET, service=service.name, on=on, policy=policy, name=name)


def _put(tools: Tools, key: str, text: str) -> None:
    tools.also(lambda tx: tools.ports.marks.put(tx, key, text))


async def _check(tools: Tools, service: Service) -> None:
    told = await alone(tools, service.name)
    if isinstance(told, Refused):
        raise ApprovalRefused(told.reason)
