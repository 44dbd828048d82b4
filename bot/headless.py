"""`firstfive run`: any playbook without a chat, with the same engine, timeline and policies."""

import json
import os
import pwd
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.adapters import logs
from bot.domain.approval import requests
from bot.domain.bisect.bisected import PROGRESS, Progress
from bot.domain.errors import CommandRejected, StoreUnusable
from bot.domain.run import Run, RunStatus, Source
from bot.domain.timeline import HOUSE, Kind, Person
from bot.engine.admission import Command, answering
from bot.engine.fields import Word, marker
from bot.engine.playbook import Playbook, plan_of
from bot.engine.shell import typed_here
from bot.engine.tools import adapter_of
from bot.main import House, build
from bot.schema import ensure_schema
from bot.settings import Settings

_LOOK_AGAIN_S = 0.5
# A channel by its id, which only a chat can show.
_CHANNEL = re.compile(r" ?\(?<#\w+>\)?")


@dataclass(frozen=True)
class Report:
    """A run as it ended, and the artifacts it left."""

    run: Run
    artifacts: tuple[Mapping[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """Give what `--json` prints."""
        run = self.run
        elapsed = (run.ended_at - run.started_at) if run.ended_at and run.started_at else timedelta(0)
        return {
            "run": run.id,
            "playbook": run.plan.playbook,
            "status": run.status.value,
            "elapsed_s": round(elapsed.total_seconds(), 3),
            "result": run.result,
            "reason": run.reason,
            "incident": run.incident_id,
            "artifacts": list(self.artifacts),
        }

    def as_text(self) -> str:
        """Give what a person reads."""
        result = self.run.result if isinstance(self.run.result, dict) else {}
        told = self.run.reason or result.get("summary") or result.get("text") or json.dumps(self.run.result)
        kept = [f"  {row['name']}  {row['bytes']} bytes  sha256 {row['sha256']}" for row in self.artifacts]
        said = f"{self.run.plan.playbook} {self.run.status.value}: {told}"
        return "\n".join([_CHANNEL.sub("", said), *kept])


def account() -> Person:
    """Name who runs this process; by the system's word, since whoever types can set an environment variable."""
    user = pwd.getpwuid(os.getuid()).pw_name
    return Person(f"cli:{user}", user)


async def run(
    settings: Settings,
    playbook: str,
    params: Mapping[str, Any],
    tell: Callable[[str], None] = lambda _: None,
    show: Callable[[float, str], None] = lambda *_: None,
) -> Report:
    """Run a playbook to its end: here, or by the process that serves this database, if one does.

    `tell` is told what the run waits for, `show` which share of it is done (0..1), in words too, where it can say so.
    A param that is bytes is kept as an artifact, and named by its sha256.

    :raises CommandRejected: there is no such playbook, or its params are wrong.
    :raises StoreUnusable: the database cannot be used.
    """
    # What a person reads is the answer; a level that was asked for is kept.
    logs.configure("WARNING" if settings.log_level == "INFO" else settings.log_level)
    ensure_schema(settings)
    house = build(settings)
    try:
        async with answering(playbook):
            await house.store.ping()
    except StoreUnusable:
        house.store.abandon()
        raise
    hands = _Hands(house)
    try:
        await hands.lend()
        given = {name: await _kept(house, f"{playbook}-{name}", value) for name, value in params.items()}
        return await _run(house, hands, await _admit(house, playbook, given), tell, show)
    finally:
        await house.stop(0.0 if hands.lent else None)


async def _kept(house: House, name: str, value: Any) -> Any:
    return (await house.ports.artifacts.put(name, value)).sha256 if isinstance(value, bytes) else value


@dataclass
class _Hands:
    """This process as a worker, for as long as nobody else is one."""

    house: House
    lent: bool = False

    async def lend(self) -> None:
        """Execute runs here unless some process does."""
        if self.lent or await self.house.worker.is_served():
            return
        try:
            await self.house.worker.start()
        except StoreUnusable:
            if not await self.house.worker.is_served():
                raise
        else:
            self.lent = True


async def _admit(house: House, playbook: str, params: Mapping[str, Any]) -> str:
    given = dict(params)
    incident_id = str(given.pop("incident", "")).upper()
    plan_of(house.registry, playbook, given)
    given = {name: _full(house.registry[playbook], name, value) for name, value in given.items()}
    if house.registry[playbook].needs_incident and not incident_id:
        raise CommandRejected(f"{playbook} is about an incident: add incident=INC-1. `firstfive run list` shows them.")
    command = Command(playbook, given, account(), Source(via="cli"), incident_id=incident_id)
    async with answering(playbook):
        return (await house.admission.admit(command)).run_id


def _full(playbook: Playbook, name: str, value: str) -> str:
    """Give a path of this machine in full: another process may do the run, which is somewhere else."""
    is_path = marker(playbook.params.model_fields[name]) in {Word.FILE, Word.LOCAL}
    return str(Path(value).absolute()) if is_path and value and Path(value).exists() else value


async def _run(
    house: House, hands: _Hands, run_id: str, tell: Callable[[str], None], show: Callable[[float, str], None]
) -> Report:
    ports, told = house.ports, False
    while True:
        run = await ports.store.read(lambda tx: ports.journal.get(tx, run_id))
        if run is not None and (run.status.ended or run.status is RunStatus.PARKED):
            return Report(_worded(house, run), await _artifacts(house, run))
        if run is not None and not told and house.registry[run.plan.playbook].approvals:
            told = await _tell_of_approval(house, run, tell)
        await hands.lend()
        if kept := await ports.store.read(lambda tx: ports.journal.memo(tx, run_id, PROGRESS)):
            progress = adapter_of(Progress).validate_json(kept)
            show(progress.done, str(progress))
        await ports.bell.wait(f"run:{run_id}", ports.clock.now() + timedelta(seconds=_LOOK_AGAIN_S))


def _worded(house: House, run: Run) -> Run:
    """Give the run with its words as they are typed here."""

    def here(text: str) -> str:
        return typed_here(text, house.registry, house.ports.catalog, run.incident_id)

    result = run.result
    if isinstance(result, dict):
        words = {key: here(result[key]) for key in ("summary", "text") if isinstance(result.get(key), str)}
        result = {**result, **words}
    return replace(run, reason=here(run.reason), result=result)


async def _tell_of_approval(house: House, run: Run, tell: Callable[[str], None]) -> bool:
    """Say that a second person is waited for, if that is so; tell whether it was said."""
    ports = house.ports
    entries = await ports.store.read(lambda tx: ports.timeline.entries(tx, run.incident_id or HOUSE))
    for asked in requests(entries):
        if asked.run_id == run.id and asked.decided is None:
            tell(
                f"{asked.words} waits until {asked.expires_at:%H:%M:%S} UTC for a second person: Approve in Slack, or "
                f"`firstfive run approve run={run.id}`."
            )
            return True
    return False


async def _artifacts(house: House, run: Run) -> tuple[Mapping[str, Any], ...]:
    """Give what the run and its children put on the timeline as artifacts."""
    ports = house.ports
    entries = await ports.store.read(lambda tx: ports.timeline.entries(tx, run.incident_id or HOUSE))
    mine = [entry for entry in entries if entry.run_id == run.id or entry.run_id.startswith(f"{run.id}.")]
    kept = [entry.facts for entry in mine if entry.kind == Kind.ARTIFACT]
    return tuple({"name": row["name"], "sha256": row["sha256"], "bytes": row["bytes"]} for row in kept)
