"""What becomes of a question to the deploy gate: kept, made a run of, and waited for, no longer than anybody would."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from secrets import token_hex

from bot.domain.gate.evidence import Objection, Obstacle, Submission
from bot.domain.run import Run, RunStatus
from bot.engine.gating import ANSWERED_WITHIN_S, DECIDED, Gated
from bot.engine.ports import Ports
from bot.engine.tools import adapter_of
from bot.ports import Tx

_LOOK_AGAIN_S = 0.5
_GRACE_S = 2.0
KEPT_FOR_S = ANSWERED_WITHIN_S + 120.0
"""So long a question that is asked again has the answer it had: whoever lost it asks within minutes."""


@dataclass(frozen=True)
class Undecided:
    """Why nothing is decided, which is as good as no; `over`: nothing will be, so no run is left to record a denial."""

    objection: Objection
    over: bool


def kept_as(service: str, release: str) -> str:
    """Name the artifact that holds what is shown of a build."""
    return f"gate-{service}-{release}.json"


def shown_as(submission: Submission) -> bytes:
    """Give what is kept of it."""
    content: bytes = adapter_of(Submission).dump_json(submission)
    return content


async def slot_of(ports: Ports, service: str, name: str) -> str:
    """Give the slot of a question that whoever asks has named: the same for some minutes, then another.

    What was allowed before a freeze, an incident or a rollback is no answer after it.
    """
    key = f"gate:{sha256(f'{service}:{name}'.encode()).hexdigest()}"
    slot, now = f"{key}:{token_hex(6)}", ports.clock.now()
    until = now + timedelta(seconds=KEPT_FOR_S)
    return await ports.store.write(lambda tx: ports.journal.hold(tx, key, slot, now, until))


async def answer(ports: Ports, run_id: str) -> Gated | Undecided:
    """Wait for what a run of the gate decides."""
    until = ports.clock.now() + timedelta(seconds=ANSWERED_WITHIN_S + _GRACE_S)
    while True:
        run, told = await ports.store.read(lambda tx: _look(ports, tx, run_id))
        if told:
            gated: Gated = adapter_of(Gated).validate_json(told[-1])
            return gated
        if run is None or run.status.ended or run.status is RunStatus.PARKED:
            reason = run.reason if run else "what was asked is not there any more"
            return Undecided(Objection(Obstacle.NOT_VERIFIED, reason or "it was not decided"), over=True)
        now = ports.clock.now()
        if now >= until:
            slow = f"it could not be decided within {ANSWERED_WITHIN_S:.0f} s"
            return Undecided(Objection(Obstacle.SLOW, slow), over=False)
        await ports.bell.wait(f"run:{run_id}", min(until, now + timedelta(seconds=_LOOK_AGAIN_S)))


def _look(ports: Ports, tx: Tx, run_id: str) -> tuple[Run | None, list[str]]:
    told = ports.journal.signals(tx, run_id, DECIDED)
    return None if told else ports.journal.get(tx, run_id), told
