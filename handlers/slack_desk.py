"""Takes what a person asked for in Slack: parse, admit, and what to say at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import structlog

from bot.domain.errors import ChatFailed, CommandRejected, StoreUnusable, WordsMissing
from bot.domain.run import Choice, Reply, Run, Source
from bot.domain.timeline import Person
from bot.engine.admission import Admission, Command, answering
from bot.engine.grammar import parse, usage
from bot.engine.playbook import Playbook, Registry, closest
from bot.engine.ports import Ports
from handlers.slack_forms import Occasion, form

log = structlog.get_logger()

VIA = "slack"
START = "start"
# A button's value holds 2,000 characters, as JSON.
_FIT = 1_500
NOW = "now=yes"


def team_of(body: Mapping[str, Any]) -> str:
    """Give the id of the workspace that a delivery is about: the one whose installation of the app it comes by."""
    return str(body.get("team_id") or "")


@dataclass(frozen=True)
class Asked:
    """Who asked, where, and the idempotency key of it."""

    actor: Person
    source: Source
    slot: str
    trigger_id: str = ""


class Slack(Protocol):
    """What the listeners need of Slack; `team` is a workspace's id."""

    async def admits(self, team: str) -> bool:
        """Tell whether the app is installed in a workspace."""

    def draw(self, reply: Reply) -> dict[str, Any]:
        """Give an answer's text and blocks."""

    async def open_view(self, team: str, trigger_id: str, view: dict[str, Any]) -> None:
        """Open a modal.

        :raises ChatFailed: it did not open.
        """

    def whisper(self, source: Source, person: Person, reply: Reply) -> None:
        """Tell somebody what nobody else sees."""

    def open_home(self, team: str, user: str) -> None:
        """Say whose Home tab is open now."""

    async def revoke(self, team: str, at: datetime) -> None:
        """Take in that a workspace has removed the app.

        :raises StoreUnusable: it is not kept.
        """


@dataclass(frozen=True)
class Desk:
    """What the listeners need."""

    registry: Registry
    admission: Admission
    ports: Ports
    slack: Slack

    async def take_words(self, words: str, asked: Asked) -> Reply | None:
        """Admit the words after `/incident`; give what to say at once, None when the answer alone will do.

        A verb that needs more than was typed asks for it in a form.
        """
        at_once = words.endswith(NOW)
        try:
            parsed = parse(self.registry, words.removesuffix(NOW), self.ports.catalog)
        except WordsMissing as missing:
            occasion = Occasion(asked.source, asked.actor.id, missing.incident_id, missing.given)
            return await self.open_form(self.registry[missing.verb], asked, occasion)
        except CommandRejected as rejected:
            return self._rejection(words, rejected)
        playbook = self.registry[parsed.playbook]
        if playbook.form and not at_once and not any(parsed.params.values()):
            return await self.open_form(playbook, asked, Occasion(asked.source, asked.actor.id, parsed.incident_id))
        return await self.take(
            Command(parsed.playbook, parsed.params, asked.actor, asked.source, asked.slot, parsed.incident_id)
        )

    async def take_again(self, run_id: str, incident_id: str, asked: Asked) -> Reply | None:
        """Admit the plan of an earlier run once more, for an incident."""
        try:
            async with answering("PLAYBOOK", within_s=0.6):
                run: Run | None = await self.ports.store.read(lambda tx: self.ports.journal.get(tx, run_id))
        except StoreUnusable as error:
            return Reply(str(error))
        if run is None:
            return Reply("What this button would do is not known any more. Type the command again.")
        plan = run.plan
        source = replace(asked.source, via=run.source.via)
        return await self.take(Command(plan.playbook, plan.params, asked.actor, source, asked.slot, incident_id))

    async def take(self, command: Command) -> Reply | None:
        """Make a command durable; give what to say at once. A repeated one is answered like the first."""
        try:
            await self.admit(command)
        except (CommandRejected, StoreUnusable) as error:
            return Reply(str(error))
        if command.playbook == START:
            return Reply("Opening an incident…")
        return Reply("On it.") if self.registry[command.playbook].narrated else None

    async def admit(self, command: Command) -> None:
        """Make a command durable.

        :raises CommandRejected: its params are wrong.
        :raises StoreUnusable: it is not recorded; says what to do.
        """
        async with answering(command.playbook):
            admitted = await self.admission.admit(command)
        log.info("command taken", run=admitted.run_id, playbook=command.playbook, fresh=admitted.fresh)

    async def open_form(self, playbook: Playbook, asked: Asked, occasion: Occasion) -> Reply | None:
        """Open the modal of a verb; if that does not work, say how to go on without it."""
        try:
            view = form(playbook, self.ports.catalog, occasion)
            await self.slack.open_view(asked.source.team, asked.trigger_id, view)
        except ChatFailed as failure:
            log.warning("form not opened", error=failure.code)
            if failure.code == "exchanged_trigger_id":
                return None
            if playbook.name != START:
                return Reply(f"The form did not open. Type the words behind the command instead: `{usage(playbook)}`.")
            text = "The form did not open. Start without it; severity and service can be named later."
            return Reply(text, (Choice("Start now", f"{START} {NOW}"),))
        return None

    def acknowledgement(self, reply: Reply | None) -> dict[str, Any]:
        """Give the body of an acknowledgement: empty, a word, or an answer with buttons."""
        if reply is None:
            return {}
        return {"response_type": "ephemeral", "replace_original": False, **self.slack.draw(reply)}

    def _rejection(self, words: str, rejected: CommandRejected) -> Reply:
        """Say what is wrong, and offer what was probably meant."""
        verb, _, rest = words.strip().partition(" ")
        if verb.lower() in self.registry or len(words) > _FIT:
            return Reply(str(rejected))
        meant = closest(verb, tuple(self.registry))
        choices = [Choice(f"/incident {meant} {rest}".strip(), f"{meant} {rest}".strip())] if meant else []
        choices.append(Choice("Start an incident with these words", f"{START} {words.strip()}"))
        return Reply(str(rejected), tuple(choices))
