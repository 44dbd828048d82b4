"""What waits for a second person: the exact plan, what was measured, and a word for it or against it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request, Response

from bot.domain.approval import Decision, Refused, requests
from bot.domain.approval import Request as Asked
from bot.domain.authority import GRANTED
from bot.domain.incident import Incident, fold
from bot.domain.narrative import unmarked
from bot.domain.run import VIA_PAGE, Run, Source
from bot.domain.timeline import HOUSE, Person
from bot.engine import authority
from bot.engine.admission import Admission, Command, answering
from bot.engine.approval import POLICY, RIGHTS, Press, decide
from bot.engine.ports import Ports
from bot.ports import ASKED, Tx
from handlers.commands import ONCE, ended, slot_of
from handlers.forms import FormRefused, filled
from handlers.html import Html, went
from handlers.live import Streams, mark
from handlers.lost import lost
from handlers.reader import Asks, Reader
from handlers.visible import visible_run

_VERBS = ("approve", "refuse", "break-glass")
_LOOKED_AT = 200


@dataclass(frozen=True)
class Waiting:
    """A request as somebody sees it: `why_not` says why they cannot approve, "" when they can.

    `alone`: whether they are offered to break the glass now.
    """

    asked: Asked
    run: Run
    incident: Incident | None
    why_not: str
    alone: bool = False


@dataclass(frozen=True)
class Approvals:
    """The pages' routes."""

    ports: Ports
    html: Html
    admission: Admission
    patience_s: float
    streams: Streams

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/approvals", self.page)
        routes.add_api_route("/approvals/live", self.live)
        routes.add_api_route("/approvals/{run_id}", self.one)
        routes.add_api_route("/approvals/{run_id}", self.decide, methods=["POST"])

    async def page(self, reader: Asks) -> Response:
        """Show what waits: first what this reader can decide about."""
        now, person = self.ports.clock.now(), reader.person
        found = await self.ports.store.read(lambda tx: _all(self.ports, tx, person, now))
        waiting = [await self._seen(*each, reader) for each in found]
        mine = [each for each in waiting if not each.why_not]
        others = [each for each in waiting if each.why_not]
        return self.html.page("approvals.html", reader, mine=mine, others=others, now=now, seen=_seen(found, now))

    async def live(self, request: Request, reader: Asks) -> Response:
        """Stream that something else waits, or may be decided by one alone."""

        def look(tx: Tx) -> str:
            now = self.ports.clock.now()
            return _seen(_all(self.ports, tx, reader.person, now), now)

        return self.streams.answer(request, "runs", look)

    async def one(self, reader: Asks, run_id: str) -> Response:
        """Show one request: the plan as it would be executed, what was measured, and what can be said to it."""
        found = await self.ports.store.read(lambda tx: _one(self.ports, tx, run_id, reader.person))
        if found is None:
            return await lost(self.ports, self.html, reader, "Nobody has asked for an approval there.")
        it = await self._seen(*found, reader)
        now, once = self.ports.clock.now(), self.ports.chance.nonce()
        return self.html.page("approval.html", reader, it=it, now=now, once=once)

    async def decide(self, request: Request, reader: Asks, run_id: str) -> Response:
        """Take somebody's word; lead to the run that says whether it counted."""
        said = dict(await filled(request, reader))
        run = await self.ports.store.read(lambda tx: visible_run(self.ports, tx, run_id, reader.person))
        verb, once = said.get("verb", ""), said.get(ONCE, "")
        if run is None:
            return await lost(self.ports, self.html, reader, "Nobody has asked for an approval there.")
        if verb not in _VERBS or not said.get("plan"):
            raise FormRefused("This form does not say which plan, or what about it. Load the page again.")
        values = {"run": run_id, "plan": said["plan"]}
        values |= {"reason": said["reason"]} if said.get("reason") and verb != "approve" else {}
        slot = slot_of(reader, once, run.incident_id, verb, values)
        source = Source(via=VIA_PAGE, team=run.source.team)
        async with answering(verb):
            admitted = await self.admission.admit(Command(verb, values, reader.person, source, slot, run.incident_id))
        await ended(self.ports, admitted.run_id, self.patience_s)
        return went(f"/runs/{admitted.run_id}")

    async def _seen(self, asked: Asked, run: Run, incident: Incident | None, reader: Reader) -> Waiting:
        """Look at a request as a reader does, by the same rules by which their word will be judged."""
        now = self.ports.clock.now()
        why_not = unmarked(await self._objection(asked, run, Decision.APPROVED, reader.person, now))
        is_time = asked.alone_at is not None and now >= asked.alone_at
        alone = is_time and not await self._objection(asked, run, Decision.ALONE, reader.person, now)
        return Waiting(asked, run, incident, why_not, alone)

    async def _objection(self, asked: Asked, run: Run, decision: Decision, person: Person, now: datetime) -> str:
        ports, ruling = self.ports.within(run.source.team), GRANTED
        if asked.service and decision in RIGHTS:
            ruling = await authority.may(ports, person, RIGHTS[decision], asked.service)
        told = decide(POLICY, asked, Press(person, decision, asked.plan, reason="-"), now, ruling)
        return told.reason if isinstance(told, Refused) else ""


def _all(ports: Ports, tx: Tx, person: Person, now: datetime) -> list[tuple[Asked, Run, Incident | None]]:
    """Give what waits of what somebody may see, the oldest first."""
    found = (_one(ports, tx, run.id, person) for run in ports.journal.asking(tx)[:_LOOKED_AT])
    return [each for each in found if each is not None and each[0].decided is None and now < each[0].expires_at]


def _seen(found: Sequence[tuple[Asked, Run, Incident | None]], now: datetime) -> str:
    return mark([(run.id, asked.plan, asked.alone_at is not None and now >= asked.alone_at) for asked, run, _ in found])


def _one(ports: Ports, tx: Tx, run_id: str, person: Person) -> tuple[Asked, Run, Incident | None] | None:
    """Give what a run has asked for, and the incident it is about; None if it is not theirs to see, or was blanked."""
    run = visible_run(ports, tx, run_id, person)
    after = ports.journal.memo(tx, run_id, ASKED) if run else None
    if run is None or after is None:
        return None
    entries = ports.timeline.entries(tx, run.incident_id or HOUSE, int(after))
    asked = next((each for each in requests(entries) if each.run_id == run_id), None)
    incident = fold(ports.timeline.entries(tx, run.incident_id)) if run.incident_id else None
    return (asked, run, incident) if asked is not None else None
