"""What somebody decides about a plan that waits: on the timeline when it counts, and when it does not."""

from dataclasses import dataclass
from hashlib import sha256

from pydantic import TypeAdapter

from bot.domain.approval import Decision, Refused, Request, requests
from bot.domain.authority import GRANTED, Ruling
from bot.domain.errors import ApprovalRefused, CommandRejected, IncidentNotFound
from bot.domain.incident import seen
from bot.domain.run import Run
from bot.domain.timeline import HOUSE, Author, Draft, Kind
from bot.engine.approval import FOR_EVER, POLICY, RIGHTS, Press, decide, settle
from bot.engine.tools import Tools
from bot.ports import Tx

_PRESSED = "decision"
_LEFT: TypeAdapter[tuple[Request, str]] = TypeAdapter(tuple[Request, str])


@dataclass(frozen=True)
class _Known:
    """What was looked up before the transaction, about the service of a request."""

    service: str
    ruling: Ruling
    frozen: str = ""


async def press(tools: Tools, run_id: str, plan: str, decision: Decision, reason: str = "") -> Request:
    """Decide about the plan of a run, or the only one that waits in the incident; give what was decided about.

    :raises CommandRejected: nothing waits, or several do.
    :raises ApprovalRefused: the decision does not count; says why.
    """
    if _PRESSED not in tools.memos:
        known = await _look(tools, run_id, decision)
        given, now = Press(tools.actor, decision, plan, reason, known.frozen), tools.now()

        def act(tx: Tx) -> str:
            asked = _wanted(tx, tools, run_id)
            ruling = known.ruling if asked.service == known.service else Ruling(granted=False, reason=_CHANGED)
            told = decide(POLICY, asked, given, now, ruling)
            if not isinstance(told, Refused) and not settle(tx, tools, asked, given):
                told = Refused(f"Somebody else has decided about {asked.words} already. Nothing was changed.")
            refusal = told.reason if isinstance(told, Refused) else ""
            left = _LEFT.dump_json((asked, refusal)).decode()
            tools.ports.journal.remember(tx, tools.run_row, _PRESSED, left, now)
            if refusal:
                _tell(tx, tools, asked, given, refusal)
            return left

        tools.memos[_PRESSED] = await tools.ports.store.write(act)
    asked, refusal = _LEFT.validate_json(tools.memos[_PRESSED])
    if refusal:
        raise ApprovalRefused(refusal)
    return asked


_CHANGED = "What waits there has changed meanwhile. Look at it again."


async def _look(tools: Tools, run_id: str, decision: Decision) -> _Known:
    """Look up what takes asking others, and must not be done in a transaction."""
    asked = await tools.ports.store.read(lambda tx: _wanted(tx, tools, run_id))
    if not asked.service or decision not in RIGHTS:
        return _Known(asked.service, GRANTED)
    frozen = await tools.frozen(asked.service)
    ruling = await tools.may(RIGHTS[decision], asked.service)
    return _Known(asked.service, ruling, frozen.words if frozen else "")


def _tell(tx: Tx, tools: Tools, asked: Request, given: Press, refusal: str) -> None:
    """Put a press that did not count on the timeline; the same one again is no news."""
    ports, now = tools.ports, tools.now()
    same = sha256(f"{given.person.id} {given.decision} {refusal}".encode()).hexdigest()[:16]
    key = f"tried:{asked.run_id}:{asked.plan}:{same}"
    if ports.journal.hold(tx, key, tools.run_id, now, now + FOR_EVER) != tools.run_id:
        return
    body = {"run": asked.run_id, "playbook": asked.playbook, "plan": asked.plan, "service": asked.service}
    draft = Draft(Kind.APPROVAL_TRIED, {**body, "decision": given.decision.value, "reason": refusal})
    run = ports.journal.get(tx, asked.run_id)
    author = Author(given.person, tools.run_id, tools.step)
    ports.timeline.append(tx, (run.incident_id if run else "") or HOUSE, [draft], author, now)


def _may_know(tx: Tx, tools: Tools, run: Run) -> bool:
    """Tell whether whoever presses may know of the incident that a run is about: its id alone lets nobody in."""
    if not run.incident_id:
        return True
    try:
        entries = tools.ports.timeline.entries(tx, run.incident_id)
        seen(entries, run.incident_id, tools.actor, tools.run_row.source.channel)
    except IncidentNotFound:
        return False
    return True


def _wanted(tx: Tx, tools: Tools, run_id: str) -> Request:
    """Find the request that is meant."""
    run = tools.ports.journal.get(tx, run_id) if run_id else None
    if run is not None and not _may_know(tx, tools, run):
        run = None
    chain = (run.incident_id or HOUSE) if run else tools.incident_id
    if run_id and run is None:
        raise CommandRejected(f"There is no run {run_id[:40]!r}.")
    if not chain:
        raise CommandRejected("Which one? Write run=..., or say it in the incident's channel.")
    known = [asked for asked in requests(tools.ports.timeline.entries(tx, chain)) if run_id in {"", asked.run_id}]
    waiting = [asked for asked in known if asked.decided is None] or known[-1:]
    if not waiting:
        raise CommandRejected(f"Nothing waits for an approval {'there' if run_id else f'in {chain}'}.")
    if len(waiting) > 1:
        listed = "; ".join(f"`run={asked.run_id}` {asked.words}" for asked in waiting)
        raise CommandRejected(f"Several wait for an approval, name one: {listed}.")
    return waiting[0]
