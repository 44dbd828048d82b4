"""The one door in: a command becomes a durable run, once, and is then acknowledged."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Any

import structlog

from bot.domain.errors import AnswerLost, StoreUnusable
from bot.domain.redaction import redact
from bot.domain.run import Plan, Run, Source
from bot.domain.timeline import Person
from bot.engine import spans
from bot.engine.playbook import Registry, plan_of
from bot.engine.ports import Ports
from bot.ports import Tx

log = structlog.get_logger()

# Slack waits 3 s for its acknowledgement.
_PATIENCE_S = 2.2


@dataclass(frozen=True)
class Command:
    """What somebody asks for. `slot` is its idempotency key: the same slot twice is one run."""

    playbook: str
    params: Mapping[str, Any]
    actor: Person
    source: Source
    slot: str = ""
    incident_id: str = ""
    wake_at: datetime | None = None


@dataclass(frozen=True)
class Admitted:
    """The run that answers a command; `fresh` is False when an earlier delivery had made it already."""

    run_id: str
    fresh: bool


@asynccontextmanager
async def answering(playbook: str, within_s: float | None = None) -> AsyncIterator[None]:
    """Let nobody who gives a command wait for our own database for longer than Slack would.

    :raises StoreUnusable: nothing was recorded; says why, and what to do.
    :raises AnswerLost: it may or may not have been recorded; says what to do.
    """
    way_out = (
        f"If it lasts, on the bot's machine: `DATABASE_URL=sqlite:///break-glass.db firstfive run {playbook} "
        f"key=value ...`"
    )
    try:
        async with asyncio.timeout(within_s or _PATIENCE_S):
            yield
    except (AnswerLost, TimeoutError) as error:
        why = str(error) or "FirstFive's own database has not answered in time."
        log.error("command perhaps not recorded", playbook=playbook, reason=why)  # noqa: TRY400 - the reason says it all
        raise AnswerLost(
            f"This was perhaps not recorded: {why} When it answers again, look before you try again. {way_out}"
        ) from error
    except StoreUnusable as error:
        log.error("command not recorded", playbook=playbook, reason=str(error))  # noqa: TRY400 - as above
        raise StoreUnusable(f"This was not recorded: {error} Try again in a moment. {way_out}") from error


class Admission:
    """Writes commands to the journal; returns once they are durable."""

    def __init__(
        self,
        registry: Registry,
        ports: Ports,
        new_id: Callable[[], str] = lambda: token_hex(6),
        admitted: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        """`admitted` is told of every new run: its playbook, and which way the command came in."""
        self._registry = registry
        self._ports = ports
        self._new_id = new_id
        self._admitted = admitted

    def plan(self, playbook: str, params: Mapping[str, Any]) -> Plan:
        """Give what a command comes to, as `admit` keeps it, and keep nothing.

        :raises CommandRejected: there is no such playbook, or its params are wrong.
        """
        return plan_of(self._registry, playbook, _without_secrets(params))

    async def admit(self, command: Command, along: Callable[[Tx], bool] = lambda _: True) -> Admitted:
        """Make a command durable. `along` is done in its transaction, before; if it gives False, nothing is admitted.

        :raises CommandRejected: there is no such playbook, or its params are wrong.
        """
        run_id = self._new_id()
        run = Run(
            id=run_id,
            plan=self.plan(command.playbook, command.params),
            actor=command.actor,
            source=spans.carried(command.source),
            created_at=self._ports.clock.now(),
            slot=command.slot or run_id,
            incident_id=command.incident_id,
            wake_at=command.wake_at,
        )
        holder = await self._ports.store.write(lambda tx: self._ports.journal.admit(tx, run) if along(tx) else "")
        if holder == run_id:
            self._admitted(command.playbook, command.source.via)
        return Admitted(holder, fresh=holder == run_id)


def _without_secrets(params: Mapping[str, Any]) -> dict[str, Any]:
    """Remove tokens and passwords that somebody pasted, before anything is stored."""
    return {key: redact(value) if isinstance(value, str) else value for key, value in params.items()}
