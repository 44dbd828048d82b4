"""What is settled before a second person is asked: what one alone may do, and what nobody may."""

from datetime import timedelta

from pydantic import TypeAdapter

from bot.domain.approval import UNKNOWN, Decision, Granted, Refused
from bot.domain.authority import Right, nobody
from bot.domain.service import Service
from bot.domain.timeline import FIRSTFIVE, Kind, Person
from bot.engine.playbook import Params, Playbook
from bot.engine.tools import CONCERN, Tools

STRANGER = "Who asks for a change must be known: ask in Slack, signed in on the page, or with `firstfive run`."
NO_REASON = "To break the glass takes a reason: why can it not wait for a second person?"
_PERMITTED = "permitted"
_STANDS_FOR = timedelta(minutes=10)
_GRANTED: TypeAdapter[Granted] = TypeAdapter(Granted)


async def about(tools: Tools, params: Params) -> str:
    """Name the service that a plan is about: its param, or what its incident was about when it began; "" for none."""
    if "service" not in type(params).model_fields:
        return ""
    named = str(getattr(params, "service", "") or tools.memos.get(CONCERN, ""))
    return named or ((await tools.incident()).service if tools.incident_id else "")


def breaks(playbook: Playbook, params: Params) -> bool:
    """Tell whether it was asked for by breaking the glass."""
    return bool(playbook.break_glass and getattr(params, playbook.break_glass))


def reason_of(params: Params) -> str:
    """Give why the glass is broken."""
    return str(getattr(params, "reason", "") or "").strip()


def hindrance(playbook: Playbook, person: Person, service: Service | None) -> str:
    """Say why there is no use for somebody to ask for what a playbook would change; "" when they may ask."""
    if service is None or not any(playbook.asks(step) for step in playbook.steps) or playbook.eases is not None:
        return ""
    if person.id.startswith(UNKNOWN):
        return STRANGER
    return "" if service.people.approve else nobody(service.name, Right.APPROVE)


async def without_second(
    tools: Tools, playbook: Playbook, params: Params, service: str, *, is_used: bool
) -> Granted | Refused | None:
    """Settle what needs no second person; None when one must be asked.

    What was granted is not asked about again once the change has begun (`is_used`): it must not be left half done.
    """
    if is_used:
        kept = tools.memos.get(_PERMITTED)
        return _GRANTED.validate_json(kept) if kept else None
    told = await _told(tools, playbook, params, service) if service else None
    if isinstance(told, Granted):
        await tools.commit(_PERMITTED, _GRANTED.dump_json(told).decode())
    return told


async def thawed(tools: Tools, playbook: Playbook, service: str) -> Refused | None:
    """Refuse what would touch a frozen service."""
    frozen = await tools.frozen(service) if service and playbook.freezable else None
    if frozen is None:
        return None
    way_out = f" Break the glass (`{playbook.break_glass}=yes reason=...`), or" if playbook.break_glass else ""
    return Refused(f"{frozen.words} Nothing was changed.{way_out or ' First'} `/incident thaw {service}`.")


async def _told(tools: Tools, playbook: Playbook, params: Params, service: str) -> Granted | Refused | None:
    if playbook.eases is not None and await playbook.eases(tools=tools, params=params):
        return await thawed(tools, playbook, service) or await alone(tools, service)
    if playbook.standing and tools.actor.id == FIRSTFIVE.id:
        return await thawed(tools, playbook, service) or await _by_itself(tools, service)
    if tools.actor.id.startswith(UNKNOWN):
        return Refused(STRANGER)
    if breaks(playbook, params):
        return await _objection(tools, playbook, params, service)
    people = tools.service(service).people
    if not people.approve:
        return Refused(nobody(service, Right.APPROVE))
    return await thawed(tools, playbook, service)


async def alone(tools: Tools, service: str) -> Granted | Refused:
    """Let one person do what only takes back or holds; whoever may approve may, and whoever may break the glass."""
    ruling = await tools.may(Right.APPROVE, service)
    if ruling.granted or (await tools.may(Right.BREAK_GLASS, service)).granted:
        return Granted(tools.actor, tools.now())
    return Refused(ruling.reason)


async def _by_itself(tools: Tools, service: str) -> Granted | Refused:
    """Let FirstFive do what two people have let it do beforehand."""
    if tools.now() - tools.run_row.created_at > _STANDS_FOR:
        return Refused(
            f"FirstFive was to change {service} by itself more than ten minutes ago, so it does not any more. Look at "
            f"its canary, and ask for a rollback if it is still bad."
        )
    if await tools.standing(service) is None:
        return Refused(f"No standing approval of {service} is in force, so FirstFive changes nothing by itself.")
    return Granted(FIRSTFIVE, tools.now())


async def _objection(tools: Tools, playbook: Playbook, params: Params, service: str) -> Refused | None:
    """Say why somebody may not break the glass; None when they may."""
    if not reason_of(params):
        return Refused(NO_REASON)
    ruling = await tools.may(Right.BREAK_GLASS, service)
    if ruling.granted:
        return None
    tried = {"run": tools.run_id, "playbook": playbook.name, "plan": "", "service": service}
    await tools.publish("tried", Kind.APPROVAL_TRIED, **tried, decision=Decision.ALONE.value, reason=ruling.reason)
    return Refused(ruling.reason)
