"""What waits for a second person: the exact plan, what was measured, and a word for it or against it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from bot.domain.approval import Request as Asked
from bot.domain.run import VIA_PAGE, Source
from bot.domain.timeline import HOUSE
from bot.engine.admission import Admission, Command, answering
from bot.engine.ports import Ports
from bot.ports import Tx
from handlers.commands import ONCE, ended, slot_of
from handlers.forms import FormRefused, filled
from handlers.html import Html, went
from handlers.live import Streams, mark
from handlers.lost import lost
from handlers.reader import Asks
from handlers.visible import visible_run
from handlers.waiting import Plea, asked_of, plea_of, pleas, seen_by, waiting

VERBS = ("approve", "refuse", "break-glass")


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
        routes.add_api_route("/approvals/{run_id}/live", self.one_live)
        routes.add_api_route("/approvals/{run_id}", self.decide, methods=["POST"])

    async def page(self, reader: Asks) -> Response:
        """Show what waits: first what this reader can decide about."""
        now, found = self.ports.clock.now(), await waiting(self.ports, reader.person)
        mine = [each for each in found if not each.why_not]
        others = [each for each in found if each.why_not]
        return self.html.page("approvals.html", reader, mine=mine, others=others, now=now, seen=_seen(found, now))

    async def live(self, request: Request, reader: Asks) -> Response:
        """Stream that something else waits, or may be decided by one alone."""

        def look(tx: Tx) -> str:
            now = self.ports.clock.now()
            return _seen(pleas(self.ports, tx, reader.person, now), now)

        return self.streams.answer(request, "runs", look)

    async def one(self, reader: Asks, run_id: str) -> Response:
        """Show one request: the plan as it would be executed, what was measured, and what can be said to it."""
        found = await self.ports.store.read(lambda tx: plea_of(self.ports, tx, run_id, reader.person))
        if found is None:
            return await lost(self.ports, self.html, reader, "Nobody has asked for an approval there.")
        it = await seen_by(self.ports, found, reader.person)
        now, once = self.ports.clock.now(), self.ports.chance.nonce()
        return self.html.page("approval.html", reader, it=it, now=now, once=once, seen=_stand(it.asked, now))

    async def one_live(self, request: Request, reader: Asks, run_id: str) -> Response:
        """Stream that a request was decided, has expired, or may be decided by one alone."""
        run = await self.ports.store.read(lambda tx: visible_run(self.ports, tx, run_id, reader.person))
        if run is None:
            return PlainTextResponse("Nobody has asked for an approval there.\n", 404)

        def look(tx: Tx) -> str | None:
            found = asked_of(self.ports, tx, run_id, reader.person)
            return _stand(found[0], self.ports.clock.now()) if found else None

        return self.streams.answer(request, f"incident:{run.incident_id or HOUSE}", look)

    async def decide(self, request: Request, reader: Asks, run_id: str) -> Response:
        """Take somebody's word; lead to the run that says whether it counted."""
        said = dict(await filled(request, reader))
        run = await self.ports.store.read(lambda tx: visible_run(self.ports, tx, run_id, reader.person))
        verb, once = said.get("verb", ""), said.get(ONCE, "")
        if run is None:
            return await lost(self.ports, self.html, reader, "Nobody has asked for an approval there.")
        if verb not in VERBS or not said.get("plan"):
            raise FormRefused("This form does not say which plan, or what about it. Load the page again.")
        values = {"run": run_id, "plan": said["plan"]}
        values |= {"reason": said["reason"]} if said.get("reason") and verb != "approve" else {}
        slot = slot_of(reader, once, run.incident_id, verb, values)
        source = Source(via=VIA_PAGE, team=run.source.team)
        async with answering(verb):
            admitted = await self.admission.admit(Command(verb, values, reader.person, source, slot, run.incident_id))
        await ended(self.ports, admitted.run_id, self.patience_s)
        return went(f"/runs/{admitted.run_id}")


def _seen(found: Sequence[Plea], now: datetime) -> str:
    """Give what stands for it, whoever may decide about which and in whatever order they stand."""
    asked = [each.asked for each in found]
    return mark(sorted((each.run_id, each.plan, each.alone_at is not None and now >= each.alone_at) for each in asked))


def _stand(asked: Asked, now: datetime) -> str:
    """Give what stands for how far a request has come."""
    is_alone = asked.alone_at is not None and now >= asked.alone_at
    return mark((asked.plan, asked.decided, now >= asked.expires_at, is_alone))
