"""A run's page: the answer, its steps and how long each took, what it began, and what it put on the timeline; live."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from markupsafe import Markup

from bot.domain.approval import requests
from bot.domain.exhibits import Evidence, kept
from bot.domain.narrative import unmarked
from bot.domain.picture import svg
from bot.domain.run import Run, RunStatus
from bot.domain.timeline import HOUSE, Entry
from bot.engine.playbook import Playbook, Registry
from bot.engine.ports import Ports
from bot.engine.reporting import last_look
from bot.ports import ASKED, Memo, Tx
from handlers import bisects, readings, traces
from handlers.html import Html
from handlers.live import Streams, mark
from handlers.lost import lost
from handlers.offered import Action, Counter
from handlers.reader import Asks, Reader
from handlers.views import Line, lines
from handlers.visible import visible_run

_LOGGED = 150


@dataclass(frozen=True)
class StepRow:
    """A step of a run. `state` is ahead, running, waiting, done, overran, failed, refused or cut short.

    `took_s` is None where nobody knows; `since` while it runs.
    """

    title: str
    state: str
    summary: str = ""
    took_s: float | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class RunView:
    """A run's page."""

    run: Run
    now: datetime
    answer: str
    choices: tuple[Action, ...]
    artifact: str
    steps: tuple[StepRow, ...]
    children: tuple[Run, ...]
    about: Run | None
    waits: bool
    log: tuple[Line, ...]
    more: int
    seen: str


@dataclass(frozen=True)
class _Found:
    """What is kept of a run."""

    run: Run
    memos: Mapping[str, Memo]
    children: tuple[Run, ...]
    entries: tuple[Entry, ...]
    about: Run | None
    waits: bool
    seen: str


@dataclass(frozen=True)
class Runs:
    """The page's routes."""

    ports: Ports
    html: Html
    registry: Registry
    streams: Streams

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/runs/{run_id}", self.page)
        routes.add_api_route("/runs/{run_id}/live", self.live)

    async def page(self, reader: Asks, run_id: str) -> Response:
        """Show a run: what was asked, how far it has come, what came of it."""
        found = await self.ports.store.read(lambda tx: _look(self.ports, tx, run_id, reader))
        if found is None:
            return await lost(self.ports, self.html, reader, "There is no such run.")
        row = found.run
        reading = await self.ports.store.read(lambda tx: readings.read(self.ports, tx, run_id, reader.person))
        seen = await readings.with_targets(self.ports, *readings.of_run(row, reading)) if reading else None
        shown = [json.dumps(value, indent=2, ensure_ascii=False) for value in (row.plan.params, row.result)]
        return self.html.page(
            "run.html",
            reader,
            it=self._view(found),
            params=shown[0],
            result=shown[1],
            trend=_trend(found.entries),
            diagnosis=seen,
            bisect=bisects.of_run(row),
            traced=traces.of_run(row),
            once=self.ports.chance.nonce(),
        )

    async def live(self, request: Request, reader: Asks, run_id: str) -> Response:
        """Stream that a run has come further."""
        if await self.ports.store.read(lambda tx: visible_run(self.ports, tx, run_id, reader.person)) is None:
            return PlainTextResponse("There is no such run.\n", 404)

        def look(tx: Tx) -> str | None:
            run = visible_run(self.ports, tx, run_id, reader.person)
            return _far(self.ports, tx, run) if run else None

        return self.streams.answer(request, f"run:{run_id}", look)

    def _view(self, found: _Found) -> RunView:
        run, now = found.run, self.ports.clock.now()
        answer, choices, artifact = _answer(run)
        counter = Counter(self.registry, self.ports.catalog)
        read = [counter.action(label, words, run.incident_id) for label, words in choices]
        entries = found.entries[-_LOGGED:]
        return RunView(
            run=run,
            now=now,
            answer=answer,
            choices=tuple(each for each in read if each is not None),
            artifact=artifact,
            steps=_steps(run, self.registry.get(run.plan.playbook), found.memos, waits=found.waits),
            children=found.children,
            about=found.about,
            waits=found.waits,
            log=tuple(replace(line, proof=_file(line.proof)) for line in lines(entries, kept(entries))),
            more=len(found.entries) - len(entries),
            seen=found.seen,
        )


def _look(ports: Ports, tx: Tx, run_id: str, reader: Reader) -> _Found | None:
    """Read what is kept of a run; None if it is not the reader's to see."""
    run = visible_run(ports, tx, run_id, reader.person)
    if run is None:
        return None
    journal = ports.journal
    memos = journal.memos(tx, run_id, _keys(run))
    children = tuple(journal.children(tx, run))
    named = str(run.plan.params.get("run") or "")
    about = visible_run(ports, tx, named, reader.person) if named else None
    waits = ASKED in memos and not run.status.ended and _waits(ports, tx, run, int(memos[ASKED].value))
    seen = _far(ports, tx, run)
    return _Found(run, memos, children, _told(ports, tx, run, children), about, waits, seen)


def _told(ports: Ports, tx: Tx, run: Run, children: Sequence[Run]) -> tuple[Entry, ...]:
    """Give what a run and those that it began have put on the timeline of its incident, or of the house."""
    if not run.incident_id:
        return tuple(ports.timeline.of_house(tx, [run.id, *(child.id for child in children)]))
    _, entries = ports.readings.read(ports.timeline, tx, run.incident_id)
    return tuple(each for each in entries if each.run_id == run.id or each.run_id.startswith(f"{run.id}."))


def _keys(run: Run) -> list[str]:
    """Name what says how far a run has come."""
    return [ASKED, *(f"{kind}:{step}" for step in run.plan.steps for kind in ("began", "step"))]


def _far(ports: Ports, tx: Tx, run: Run) -> str:
    """Give what stands for how far a run has come, without reading its timeline."""
    begun = [child.status for child in ports.journal.children(tx, run)]
    heads = ports.timeline.heads(tx, run.incident_id) if run.incident_id else {}
    return mark((run.status, sorted(ports.journal.memos(tx, run.id, _keys(run))), begun, heads))


def _waits(ports: Ports, tx: Tx, run: Run, after: int) -> bool:
    """Tell whether nobody has decided yet about what a run has asked for."""
    asked = requests(ports.timeline.entries(tx, run.incident_id or HOUSE, after))
    return any(each.run_id == run.id and each.decided is None for each in asked)


def _answer(run: Run) -> tuple[str, Sequence[tuple[str, str]], str]:
    """Give the words that answer whoever asked, the buttons below them, the artifact they are about."""
    told: Mapping[str, Any] = run.result if isinstance(run.result, dict) else {}
    text = run.reason or str(told.get("text") or told.get("summary") or told.get("missing") or "")
    choices = [(str(each.get("label", "")), str(each.get("command", ""))) for each in told.get("choices") or ()]
    return unmarked(text), [each for each in choices if all(each)], str(told.get("artifact") or "")


def _steps(run: Run, playbook: Playbook | None, memos: Mapping[str, Memo], *, waits: bool) -> tuple[StepRow, ...]:
    """Tell of each step how far it has come, in order."""
    titles = {step.name: step.title for step in playbook.steps} if playbook else {}
    rows: list[StepRow] = []
    for name in run.plan.steps:
        row = _step(titles.get(name, name), memos.get(f"began:{name}"), memos.get(f"step:{name}"), run)
        if row.state == "ahead" and waits and all(each.state != "waiting" for each in rows):
            row = StepRow(row.title, "waiting", "A second person must agree first.")
        rows.append(row)
    return tuple(rows)


_STATES = {"missing": "overran"}


def _step(title: str, began: Memo | None, left: Memo | None, run: Run) -> StepRow:
    if left is not None:
        told = json.loads(left.value)
        value = told.get("value") if isinstance(told.get("value"), dict) else {}
        summary = told.get("reason") or value.get("summary") or value.get("text") or ""
        took_s = (left.at - datetime.fromisoformat(began.value)).total_seconds() if began else None
        outcome = str(told.get("outcome", "done"))
        return StepRow(title, _STATES.get(outcome, outcome), unmarked(str(summary)), took_s)
    if began is not None and run.status is RunStatus.RUNNING:
        return StepRow(title, "running", since=datetime.fromisoformat(began.value))
    if began is not None:
        return StepRow(title, "cut short" if run.status.ended else "ahead")
    return StepRow(title, "not done" if run.status.ended else "ahead")


def _file(proof: Evidence | None) -> Evidence | None:
    """Leave out what only names the run itself."""
    return proof if proof is not None and proof.artifact else None


def _trend(entries: Sequence[Entry]) -> Markup | str:
    """Draw both tracks of the canary as this run saw them last."""
    look = last_look(entries)
    return Markup(svg(look[1])) if look and look[1].panels else ""  # noqa: S704 - it escapes its words itself
