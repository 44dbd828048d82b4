"""Execute a run: step after step, each result kept under its key before the next begins.

Killed at any point, a run is executed again from the start: what is in the journal is not done again, so at most the
step in flight is repeated.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from bot.domain.approval import Refused
from bot.domain.errors import ApprovalRefused, FenceLost, FirstFiveError, IncidentNotFound, StoreUnusable
from bot.domain.incident import seen
from bot.domain.measures import duration
from bot.domain.run import PROTOCOL, VIA_CLOCK, VIA_EVENT, VIA_PAGE, Choice, Missing, Reply, Run, RunStatus
from bot.domain.timeline import Draft, Kind
from bot.engine import spans
from bot.engine.approval import approval
from bot.engine.playbook import Params, Playbook, Registry, Step, wanted_type
from bot.engine.ports import Ports
from bot.engine.tools import Tools, adapter_of
from bot.ports import Listed, Tx

log = structlog.get_logger()

_ASK_AMONG = 5
_LOOK_S = 0.02


@dataclass(frozen=True)
class _Left:
    """What a step left in the journal: it is done, failed, was refused, or is missing since its time was over."""

    outcome: str
    value: Any = None
    reason: str = ""

    @property
    def summary(self) -> str:
        """The line that stands for the step on the timeline."""
        told = self.value if isinstance(self.value, dict) else {}
        return self.reason or str(told.get("summary", told.get("text", "")))


@dataclass(frozen=True)
class _Ending:
    """How a run ends; `gives` is the type of its result."""

    status: RunStatus
    result: Any = None
    gives: Any = Reply
    reason: str = ""

    def shown(self) -> Any:
        """Give the result as JSON."""
        if isinstance(self.result, Missing):
            return {"missing": self.result.reason}
        return None if self.result is None else adapter_of(self.gives).dump_python(self.result, mode="json")


_FATAL = {"failed": RunStatus.FAILED, "refused": RunStatus.REFUSED}
_LEFT: TypeAdapter[_Left] = TypeAdapter(_Left)


class Runner:
    """Executes runs of a registry on ports; knows no database, no chat and no clock of its own."""

    def __init__(self, registry: Registry, ports: Ports) -> None:
        self._registry = registry
        self._ports = ports
        self._at_work: dict[str, Tools | None] = {}

    async def execute(self, run_id: str) -> Run | None:
        """Bring a run to its end and give it as it ended; None if there was nothing to do, or another took it over."""
        self._at_work[run_id] = None
        try:
            return await self._claimed(run_id)
        finally:
            self._at_work.pop(run_id, None)

    async def settle(self, grace_s: float) -> None:
        """Return when nothing is executed any more but what only waits, after so many seconds at the latest."""
        until = asyncio.get_running_loop().time() + grace_s
        while any(tools is None or not tools.waits for tools in self._at_work.values()):
            left_s = until - asyncio.get_running_loop().time()
            if left_s <= 0:
                return
            await asyncio.sleep(min(_LOOK_S, left_s))

    async def _claimed(self, run_id: str) -> Run | None:
        ports = self._ports
        memory = await ports.store.write(lambda tx: ports.journal.claim(tx, run_id, ports.clock.now()))
        if memory is None:
            return None
        run = memory.run
        ports.observer.run_begun(run)
        tools = Tools(ports.within(run.source.team), self._registry, run, dict(memory.memos))
        named = {"run": run.id, "playbook": run.plan.playbook, "incident": run.incident_id or None}
        with spans.of_run(run) as span, structlog.contextvars.bound_contextvars(**named):
            self._at_work[run_id] = tools
            try:
                ended = await self._execute(tools)
            except FenceLost:
                log.warning("run taken over", run=run.id)
                return None
            if ended.status.ended:
                span.end(ended.status.value, ended.incident_id)
            return ended

    async def _execute(self, tools: Tools) -> Run:
        run = tools.run_row
        playbook = self._registry.get(run.plan.playbook)
        if playbook is None or run.plan.protocol != PROTOCOL or playbook.step_names != run.plan.steps:
            return await _park(tools)
        try:
            tools.run_row = await _name(await self._place(tools), tools.ports)
        except IncidentNotFound as error:
            return await _end(tools, None, _Ending(RunStatus.FAILED, reason=str(error)))
        spans.about(tools.incident_id)
        if playbook.needs_incident and not tools.incident_id:
            listed = await tools.incidents(limit=_ASK_AMONG)
            return await _end(tools, None, _Ending(RunStatus.DONE, ask_which(run, listed)))
        try:
            return await _Execution(tools, playbook, playbook.params.model_validate(run.plan.params)).go()
        except ValidationError:
            log.exception("params or kept results do not fit the playbook any more")
            return await _park(tools)
        except (FenceLost, StoreUnusable):
            raise
        except FirstFiveError as error:  # what a step recorded was refused, as for an incident that does not exist
            return await _end(tools, None, _Ending(RunStatus.FAILED, reason=str(error)))

    async def _place(self, tools: Tools) -> Run:
        """Find the incident a run is about: its own, or that of the channel it was asked in.

        :raises IncidentNotFound: there is none, or whoever asked may not know of it. What has begun goes on.
        """
        ports, run = self._ports, tools.run_row
        if run.incident_id and not run.parent_id and not tools.memos:
            await ports.store.read(partial(self._look, run))
        if run.incident_id or not run.source.channel:
            return run
        source = run.source
        found = await ports.store.read(lambda tx: ports.timeline.incident_of(tx, source.channel, source.team))
        if found:
            await ports.store.write(lambda tx: ports.journal.bind(tx, run, found))
        return replace(run, incident_id=found)

    def _look(self, run: Run, tx: Tx) -> None:
        timeline = self._ports.timeline
        if timeline.listed(tx, run.incident_id).private:
            seen(timeline.entries(tx, run.incident_id), run.incident_id, run.actor, run.source.channel)


async def _name(run: Run, ports: Ports) -> Run:
    """Call whoever asked by the name that people know; a child run has it from its parent."""
    return run if run.parent_id else replace(run, actor=await ports.directory.named(run.actor))


@dataclass
class _Execution:
    """One run on its way through the steps of its playbook."""

    tools: Tools
    playbook: Playbook
    params: Params
    results: list[tuple[Any, Any]] = field(default_factory=list)
    approved_at: datetime | None = None

    async def go(self) -> Run:
        """Do every step, or as many as can be done."""
        run = self.tools.run_row
        await self._pass_gates()
        if self.playbook.narrated:
            told = {key: value for key, value in run.plan.params.items() if value not in (None, "", [])}
            await self.tools.publish("run", Kind.RUN_STARTED, playbook=self.playbook.name, params=told)
        for step in self.playbook.steps:
            left = await self._step(step)
            if left.outcome == "refused" or (left.outcome == "failed" and not step.optional):
                return await _end(self.tools, self.playbook, _Ending(_FATAL[left.outcome], reason=left.reason))
        gives, value = self.results[-1]
        return await _end(self.tools, self.playbook, _Ending(RunStatus.DONE, value, gives))

    async def _pass_gates(self) -> None:
        """Ask whether the run may begin; one that has begun goes on."""
        if self.playbook.gates and "gates" not in self.tools.memos:
            for gate in self.playbook.gates:
                await gate(tools=self.tools, params=self.params)
            await self.tools.commit("gates", "true")

    async def _step(self, step: Step) -> _Left:
        """Do a step, or read what it left when it was done before."""
        key = f"step:{step.name}"
        gives = step.hints()[1]
        self.tools.step = step.name
        if key not in self.tools.memos:
            left = await self._permission(step)
            began = self.tools.now() if left else await self._begin(step)
            with spans.of_step(self.tools.run_row, step.name, began) as span:
                left = left or await self._attempt(step, adapter_of(gives), began)
                await self._keep(step, left, began)
                span.end(left.outcome, self.tools.incident_id)
        left = _LEFT.validate_json(self.tools.memos[key])
        done = left.outcome == "done"
        self.results.append((gives, adapter_of(gives).validate_python(left.value) if done else Missing(left.reason)))
        return left

    async def _permission(self, step: Step) -> _Left | None:
        """Wait until a second person agrees, where one must; give the refusal if nobody does."""
        if not self.playbook.asks(step):
            return None
        before = self.playbook.before_changes
        lefts = {each.title: _LEFT.validate_json(self.tools.memos[f"step:{each.name}"]) for each in before}
        summaries = {title: left.summary for title, left in lefts.items()}
        told = await approval(self.tools, self.playbook, self.params, summaries)
        if isinstance(told, Refused):
            return _Left("refused", reason=told.reason)
        self.tools.approved_by, self.approved_at = told.by, told.at
        return None

    async def _begin(self, step: Step) -> datetime:
        """Note when a step began; on the timeline too if it runs against a clock."""
        key = f"began:{step.name}"
        if key not in self.tools.memos:
            entries = []
            if step.budget_s is not None:
                body = {"playbook": self.playbook.name, "step": step.name, "title": step.title}
                budget_s = round(max(0.0, self._left_s(step) or 0.0), 3)
                entries = [self.tools.append(Draft(Kind.STEP_STARTED, {**body, "budget_s": budget_s}))]
            await self.tools.commit(key, self.tools.now().isoformat(), *entries)
        return datetime.fromisoformat(self.tools.memos[key])

    def _left_s(self, step: Step, since: datetime | None = None) -> float | None:
        """Seconds until a step's deadline, from now or since a moment; None when it has none."""
        if step.budget_s is None:
            return None
        now = self.tools.now()
        began = self.approved_at or self.tools.run_row.started_at or now
        return (began + timedelta(seconds=self.playbook.deadline_s(step)) - (since or now)).total_seconds()

    async def _attempt(self, step: Step, adapter: TypeAdapter[Any], began: datetime) -> _Left:
        """Run a step's function; every way it can end becomes a value."""
        left_s = self._left_s(step)
        try:
            with spans.Noted():
                async with asyncio.timeout(left_s):
                    value = await step.act(**self._arguments(step))
            left = _Left("done", adapter.dump_python(value, mode="json"))
            _LEFT.dump_json(left)  # what cannot be kept is the step's failure, here and now
        except (FenceLost, StoreUnusable):
            raise
        except TimeoutError:
            had_s = self._left_s(step, began)  # in all, also when it was begun before a restart
            if had_s is None:
                return _Left("failed", reason=f"{step.title}: no answer in time.")
            return _Left("missing", reason=f"not done within {duration(timedelta(seconds=round(max(had_s, 0.0))))}")
        except ApprovalRefused as error:
            return _Left("refused", reason=str(error))
        except FirstFiveError as error:
            return _Left("failed", reason=str(error))
        except Exception as error:
            log.exception("step failed", step=step.name)
            reason = f"{step.title}: an error of FirstFive itself ({type(error).__name__}); see its log."
            return _Left("failed", reason=reason)
        return left

    def _arguments(self, step: Step) -> dict[str, Any]:
        arguments: dict[str, Any] = {"tools": self.tools, "params": self.params}
        for name, hint in step.hints()[0].items():
            wanted = wanted_type(hint)
            arguments[name] = next(value for gives, value in self.results if gives == wanted)
        return arguments

    async def _keep(self, step: Step, left: _Left, began: datetime) -> None:
        """Commit a step's result with what it recorded; a failed step leaves only the fact that it failed."""
        effects = self.tools.take_pending()
        if left.outcome != "done":
            effects = []
        if self.playbook.narrated:
            elapsed_s = round((self.tools.now() - began).total_seconds(), 3)
            body = {"playbook": self.playbook.name, "step": step.name, "title": step.title, "elapsed_s": elapsed_s}
            ended = {**body, "outcome": left.outcome, "summary": left.summary}
            effects.append(self.tools.append(Draft(Kind.STEP_ENDED, ended)))
        took_s = (self.tools.now() - began).total_seconds()
        await self.tools.commit(f"step:{step.name}", _LEFT.dump_json(left).decode(), *effects)
        self.tools.ports.observer.step_ended(self.playbook.name, step.name, left.outcome, took_s)


async def _park(tools: Tools) -> Run:
    """Leave a run to the release that began it."""
    run = tools.run_row
    reason = (
        f"Run {run.id} of {run.plan.playbook!r} was begun by another release, whose steps this one does not "
        f"know. Start that release to finish it, or run it anew."
    )
    return await _end(tools, None, _Ending(RunStatus.PARKED, reason=reason))


async def _end(tools: Tools, playbook: Playbook | None, ending: _Ending) -> Run:
    """Close the run, answer whoever asked, wake whoever waits: one transaction."""
    now = tools.now()
    run = replace(tools.run_row, status=ending.status, result=ending.shown(), reason=ending.reason, ended_at=now)
    reply = _reply(run, ending.result)
    journal = tools.ports.journal
    answered = f"run:{run.id}" if run.status.ended else f"run:{run.id}:{run.status.value}"

    def act(tx: Tx) -> None:
        journal.end(tx, run)
        if playbook is not None and playbook.narrated:
            elapsed_s = round((now - (run.started_at or now)).total_seconds(), 3)
            body = {"playbook": playbook.name, "status": run.status.value, "elapsed_s": elapsed_s}
            tools.append(Draft(Kind.RUN_ENDED, {**body, "reason": ending.reason}))(tx)
        if reply is not None:
            journal.reply(tx, answered, run.source, run.actor, reply)

    tools.step = ""
    await tools.ports.store.write(act)
    tools.ports.observer.run_ended(run)
    log.info("run ended", status=run.status.value, reason=ending.reason or None)
    return run


def ask_which(run: Run, listed: list[Listed]) -> Reply:
    """Ask which incident a command is about, the latest ones as buttons."""
    if not listed:
        return Reply("No incident is open. `/incident start` opens one.", (Choice("Start an incident", "start"),))
    choices = tuple(Choice(f"{row.id} {row.title}"[:70], again=run.id, incident_id=row.id) for row in listed)
    return Reply(f"Which incident is `{run.plan.playbook}` about? This is not an incident's channel.", choices)


def _reply(run: Run, result: Any) -> Reply | None:
    """Say what came of it to whoever asked; not for a child run, a slot, an event, nor for a page, which reads it."""
    if run.parent_id or run.source.via in {VIA_CLOCK, VIA_EVENT, VIA_PAGE}:
        return None
    if run.status is not RunStatus.DONE:
        return Reply(run.reason)
    if isinstance(result, Reply):
        return result
    summary = getattr(result, "summary", "")
    if not summary:
        return None
    return Reply(
        f"`{run.plan.playbook}` is done: {summary}",
        artifact=getattr(result, "artifact", ""),
        page=getattr(result, "page", ""),
    )
