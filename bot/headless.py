"""`firstfive run`: any playbook without a chat, with the same engine, timeline and policies."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from getpass import getuser
from typing import Any

from bot.adapters import logs
from bot.domain.errors import CommandRejected, StoreUnusable
from bot.domain.run import Run, RunStatus, Source
from bot.domain.timeline import HOUSE, Kind, Person
from bot.engine.admission import Command
from bot.engine.playbook import plan_of
from bot.main import House, build, ensure_schema
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


async def run(settings: Settings, playbook: str, params: Mapping[str, Any]) -> Report:
    """Run a playbook to its end: here, or by the process that serves this database, if one does.

    :raises CommandRejected: there is no such playbook, or its params are wrong.
    :raises StoreUnusable: the database cannot be used.
    """
    # What a person reads is the answer; a level that was asked for is kept.
    logs.configure("WARNING" if settings.log_level == "INFO" else settings.log_level)
    ensure_schema(settings)
    house = build(settings)
    is_ours = True
    try:
        await house.worker.start()
    except StoreUnusable:
        await house.store.ping()
        is_ours = False
    try:
        return await _run(house, playbook, params)
    finally:
        await house.stop(0.0 if is_ours else None)


async def _run(house: House, playbook: str, params: Mapping[str, Any]) -> Report:
    given = dict(params)
    incident_id = str(given.pop("incident", "")).upper()
    plan_of(house.registry, playbook, given)
    if house.registry[playbook].needs_incident and not incident_id:
        raise CommandRejected(f"{playbook} is about an incident: add incident=INC-1. `firstfive run list` shows them.")
    user = getuser() if hasattr(os, "getuid") else "somebody"
    command = Command(playbook, given, Person(f"cli:{user}", user), Source(via="cli"), incident_id=incident_id)
    run_id = (await house.admission.admit(command)).run_id
    ports = house.ports
    while True:
        run = await ports.store.read(lambda tx: ports.journal.get(tx, run_id))
        if run is not None and (run.status.ended or run.status is RunStatus.PARKED):
            return Report(run, await _artifacts(house, run))
        await ports.bell.wait(f"run:{run_id}", ports.clock.now() + timedelta(seconds=_LOOK_AGAIN_S))


async def _artifacts(house: House, run: Run) -> tuple[Mapping[str, Any], ...]:
    """Give what the run and its children put on the timeline as artifacts."""
    ports = house.ports
    entries = await ports.store.read(lambda tx: ports.timeline.entries(tx, run.incident_id or HOUSE))
    mine = [entry for entry in entries if entry.run_id == run.id or entry.run_id.startswith(f"{run.id}.")]
    kept = [entry.facts for entry in mine if entry.kind == Kind.ARTIFACT]
    return tuple({"name": row["name"], "sha256": row["sha256"], "bytes": row["bytes"]} for row in kept)
