"""Whatever somebody does about an incident from the pages: a form for each verb, admitted like words typed in Slack."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request, Response

from bot.domain.errors import CommandRejected, ParamRejected, StoreUnusable
from bot.domain.incident import Incident
from bot.domain.offers import VERBS, unfit
from bot.domain.run import VIA_PAGE, Run, Source
from bot.engine.admission import Admission, Command, answering
from bot.engine.fields import Question, questions
from bot.engine.grammar import flaws
from bot.engine.playbook import Playbook, Registry
from bot.engine.ports import Ports
from handlers.forms import filled
from handlers.html import Html, went
from handlers.lost import lost
from handlers.offered import DECLARE, START, Counter, path, title
from handlers.reader import Asks, Reader
from handlers.visible import incident_of

ONCE = "once"
"""The hidden field that says which drawing of a form was sent: sent twice, it is one command."""
_LOOK_AGAIN = timedelta(seconds=1)
_OF_INCIDENTS = {verb for verbs in VERBS.values() for verb in verbs}


@dataclass(frozen=True)
class Form:
    """A verb's form as it is shown. `wrong` tells what is, by field; "" for what belongs to none."""

    title: str
    summary: str
    action: str
    asked: tuple[Question, ...]
    once: str
    incident: Incident | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)
    why_not: str = ""
    late: str = ""
    asks_second: bool = False

    @property
    def focused(self) -> str:
        """The field to go on at: the first that is wrong, else the first."""
        names = [each.name for each in self.asked]
        return next((name for name in names if name in self.wrong), names[0] if names else "")

    @property
    def has_optional(self) -> bool:
        """Tell whether it must be said which fields are needed."""
        return any(not each.required for each in self.asked)


@dataclass(frozen=True)
class Commands:
    """The forms' routes. `patience_s`: what ends within it is seen as ended at once."""

    ports: Ports
    html: Html
    admission: Admission
    registry: Registry
    patience_s: float

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route(DECLARE, self.declaring)
        routes.add_api_route(DECLARE, self.declare, methods=["POST"])
        routes.add_api_route("/incidents/{incident_id}/do/{verb}", self.doing)
        routes.add_api_route("/incidents/{incident_id}/do/{verb}", self.do, methods=["POST"])

    async def declaring(self, request: Request, reader: Asks) -> Response:
        """Show the form that opens an incident."""
        return self._show(reader, self._form(self.registry[START], None, reader, request.query_params))

    async def declare(self, request: Request, reader: Asks) -> Response:
        """Open an incident; lead to it, or to the run that opens it."""
        said = await filled(request, reader)
        admitted = await self._take(said, reader, self.registry[START], None)
        if isinstance(admitted, Response):
            return admitted
        run = await ended(self.ports, admitted, self.patience_s * 2)
        return went(f"/incidents/{run.incident_id}" if run and run.incident_id else f"/runs/{admitted}")

    async def doing(self, request: Request, reader: Asks, incident_id: str, verb: str) -> Response:
        """Show the form of a verb."""
        incident = await self._incident(reader, incident_id)
        if incident is None or verb not in _OF_INCIDENTS or verb not in self.registry:
            return await self._lost(reader, incident_id, verb)
        return self._show(reader, self._form(self.registry[verb], incident, reader, request.query_params))

    async def do(self, request: Request, reader: Asks, incident_id: str, verb: str) -> Response:
        """Do what a verb stands for; lead to the run that answers."""
        said = await filled(request, reader)
        incident = await self._incident(reader, incident_id)
        if incident is None or verb not in _OF_INCIDENTS or verb not in self.registry:
            return await self._lost(reader, incident_id, verb)
        admitted = await self._take({**request.query_params, **said}, reader, self.registry[verb], incident)
        if isinstance(admitted, Response):
            return admitted
        await ended(self.ports, admitted, self.patience_s)
        return went(f"/runs/{admitted}")

    async def _incident(self, reader: Reader, incident_id: str) -> Incident | None:
        return (await incident_of(self.ports, incident_id, reader.person))[0]

    async def _lost(self, reader: Reader, incident_id: str, verb: str) -> Response:
        what = f"There is no incident {incident_id[:20]}, or no verb {verb[:20]} for it."
        return await lost(self.ports, self.html, reader, what)

    async def _take(
        self, said: Mapping[str, str], reader: Reader, playbook: Playbook, incident: Incident | None
    ) -> str | Response:
        """Admit what was filled in, and give its run; or show the form again, with what is wrong."""
        once = said.get(ONCE) or self.ports.chance.nonce()
        values = {key: each for key, each in said.items() if key in playbook.params.model_fields and each}
        form = self._form(playbook, incident, reader, values, once)
        wrong = self._wrong(playbook, form, values)
        if wrong:
            return self._show(reader, replace(form, wrong=wrong), 422)
        about = incident.id if incident else ""
        source = Source(via=VIA_PAGE, team=incident.team if incident else "")
        slot = slot_of(reader, once, about, playbook.name, values)
        command = Command(playbook.name, values, reader.person, source, slot, about)
        try:
            async with answering(playbook.name):
                return (await self.admission.admit(command)).run_id
        except ParamRejected as rejected:
            return self._show(reader, replace(form, wrong={rejected.param: str(rejected)}), 422)
        except CommandRejected as rejected:
            return self._show(reader, replace(form, wrong={"": str(rejected)}), 422)
        except StoreUnusable as unusable:
            # What somebody has written is not lost: it is sent again from here, as the same command.
            return self._show(reader, replace(form, wrong={"": str(unusable)}), 503)

    def _wrong(self, playbook: Playbook, form: Form, values: Mapping[str, str]) -> dict[str, str]:
        if form.why_not:
            return {"": form.why_not}
        missing = {each.name: f"{each.label} is missing." for each in form.asked if each.required}
        missing = {name: said for name, said in missing.items() if name not in values}
        return missing | flaws(playbook, values, self.ports.catalog, self.ports.clock.now())

    def _form(
        self,
        playbook: Playbook,
        incident: Incident | None,
        reader: Reader,
        given: Mapping[str, Any],
        once: str = "",
    ) -> Form:
        """Draw a verb's form, filled in; what is given and not asked goes with its address."""
        asked = questions(playbook, self.ports.catalog, given)
        if not reader.is_known:
            # Nobody could see it again: only whoever takes part does, and nobody knows who this is.
            asked = tuple(each for each in asked if each.name != "private")
        names = {each.name for each in asked}
        known = playbook.params.model_fields
        hidden = {key: value for key, value in given.items() if key in known and key not in names}
        counter = Counter(self.registry, self.ports.catalog)
        return Form(
            title=title(playbook),
            summary=playbook.summary,
            action=path(incident.id, playbook.name, hidden) if incident else DECLARE,
            asked=asked,
            once=once or self.ports.chance.nonce(),
            incident=incident,
            why_not=counter.why_not(playbook, incident, reader.person) if incident else "",
            late=unfit(incident, playbook.name) if incident else "",
            asks_second=any(playbook.asks(step) for step in playbook.steps),
        )

    def _show(self, reader: Reader, form: Form, status: int = 200) -> Response:
        return self.html.page("do.html", reader, status, it=form)


def slot_of(reader: Reader, once: str, about: str, verb: str, values: Mapping[str, str]) -> str:
    """Give the idempotency key of a form: the same one filled in otherwise, after a step back, is another command."""
    said = json.dumps([reader.person.id, once, about, verb, sorted(values.items())])
    return f"page:{sha256(said.encode()).hexdigest()[:32]}"


async def ended(ports: Ports, run_id: str, within_s: float) -> Run | None:
    """Give a run once it has ended, for a page that shows its answer at once; None when it takes longer."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                run: Run | None = await ports.store.read(lambda tx: ports.journal.get(tx, run_id))
                if run is not None and run.status.ended:
                    return run
                await ports.bell.wait(f"run:{run_id}", ports.clock.now() + _LOOK_AGAIN)
    except TimeoutError:
        return None
