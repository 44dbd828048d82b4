"""Commands by the API: the words one would type after /incident, admitted as durable runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.errors import CommandRejected
from bot.domain.run import Source
from bot.domain.timeline import Person, canonical
from bot.engine.admission import Admission, Command, answering
from bot.engine.grammar import parse
from bot.engine.playbook import Registry
from bot.engine.ports import Ports
from handlers.api.answers import Answer
from handlers.api.incidents import timeline
from handlers.api.problems import ProblemMet, Trouble, described
from handlers.bodies import json_of, where_wrong
from handlers.reader import Asks, Reader, Way

_INCIDENT = r"^([Ii][Nn][Cc]-[0-9]{1,9})?$"


class Words(BaseModel):
    """A command: `text` is what one would type after `/incident`, `incident` which one it is about."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=8_000, examples=["note It is DNS."])
    incident: str = Field("", pattern=_INCIDENT, examples=["INC-7"])


class Taken(Answer):
    """The run that does what a command asks for, and where the API tells how it goes."""

    run: str
    url: str


async def told(request: Request) -> Words:
    """Read the body of a command.

    :raises ProblemMet: it is not as described.
    """
    try:
        return Words.model_validate_json(await json_of(request))
    except ValidationError as error:
        raise ProblemMet(Trouble.NOT_VALID, where_wrong(error)) from None


Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        pattern=r"^[!-~]*$",
        description="Makes it safe to send again: the same body with the same key is one run, whatever was lost.",
        examples=["deploy-4711"],
    ),
]
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Words"}}},
    }
}


@dataclass(frozen=True)
class Commands:
    """The operation that takes them."""

    ports: Ports
    admission: Admission
    registry: Registry

    def route(self, routes: APIRouter) -> None:
        """Add it."""
        wrong = (Trouble.NOT_THERE, Trouble.NOT_VALID, Trouble.REFUSED, Trouble.KEY_REUSED)
        body = (Trouble.NOT_JSON, Trouble.TOO_LONG)
        routes.add_api_route(
            "/commands",
            self.give_command,
            methods=["POST"],
            status_code=202,
            responses=described(*wrong, *body),
            openapi_extra=_BODY,
        )

    async def give_command(self, reader: Asks, words: Annotated[Words, Depends(told)], key: Key = "") -> Taken:
        """Take a command; the run that it becomes is durable when this answers."""
        parsed = parse(self.registry, words.text, self.ports.catalog)
        named, given = parsed.incident_id.upper(), words.incident.upper()
        if named and given and named != given:
            raise CommandRejected(f"The text names {named} and `incident` names {given}. Name one of them.")
        self._admit_private(reader, parsed.playbook, parsed.params)
        sent = _sent(words) if key else ""
        command = Command(
            parsed.playbook,
            parsed.params,
            reader.person,
            Source(via="api", sent=sent),
            slot=_slot(reader.person, key) if key else "",
            incident_id=named or given,
        )
        run_id = await self._admit(reader, command)
        return Taken(run=run_id, url=f"/api/v1/runs/{run_id}")

    def _admit_private(self, reader: Reader, playbook: str, params: Mapping[str, Any]) -> None:
        """Let nobody open what they could not see: only whoever takes part does, and nobody without a session is known.

        :raises CommandRejected: a script, or somebody on this machine, wants to open a private incident.
        """
        if reader.way is not Way.SESSION and self.admission.plan(playbook, params).params.get("private"):
            raise CommandRejected(
                "Nobody could see it: only whoever takes part sees a private incident, and a token or an unknown "
                "program takes part in none. Open it in Slack, on the pages when signed in, or with `firstfive run`."
            )

    async def _admit(self, reader: Reader, command: Command) -> str:
        async with answering(command.playbook):
            if command.incident_id:
                await timeline(self.ports, reader, command.incident_id)
            admitted = await self.admission.admit(command)
            if not admitted.fresh:
                known = await self.ports.store.read(lambda tx: self.ports.journal.get(tx, admitted.run_id))
                if known is None or known.source.sent != command.source.sent:
                    raise ProblemMet(Trouble.KEY_REUSED, "Nothing was done. Give each command a key of its own.")
        return admitted.run_id


def _slot(person: Person, key: str) -> str:
    """Give the slot of somebody's key: nobody else's is the same."""
    return f"api:{quote(person.id, safe='')}:{key}"


def _sent(words: Words) -> str:
    """Give what stands for a body, however it was written."""
    return sha256(canonical(words.model_dump()).encode("ascii")).hexdigest()
