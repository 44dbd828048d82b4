"""Do a configured action of a service: a snapshot first and a second person, if it changes something; then its end."""

from dataclasses import dataclass

from bot.engine import (
    Call,
    CommandRejected,
    ConfiguredAction,
    Danger,
    Field,
    Kind,
    Missing,
    Params,
    Playbook,
    Reply,
    Rest,
    RunFailed,
    RunStatus,
    ServiceName,
    Tools,
    action_call,
    action_values,
    closest,
    concern,
)

_BEGAN = "acting"


class RunAction(Params):
    """Of which service, which action, with which values (name=value)."""

    service: ServiceName
    action: str = Field(max_length=63)
    values: Rest = ""


@dataclass(frozen=True)
class Prepared:
    """The exact call; `summary` is what the second person is shown."""

    call: Call
    summary: str


@dataclass(frozen=True)
class Captured:
    """The snapshot that was taken before."""

    summary: str


@dataclass(frozen=True)
class Acted:
    """How it ended."""

    ok: bool
    how: str
    artifact: str
    summary: str


playbook = Playbook("run", "Do a configured action, when a second person agrees.", RunAction, approvals=1)


@playbook.gate
async def place(tools: Tools, params: RunAction) -> None:
    """Refuse what cannot be done, and find the incident that it belongs to."""
    _call(tools, params)
    await concern(tools, params.service, params.action)


@playbook.alone
async def changes_nothing(tools: Tools, params: RunAction) -> bool:
    """Let one person who has a right do what only looks, by the configuration's word."""
    return not _configured(tools, params).is_mutating


@playbook.step("Prepare the action")
async def prepare(tools: Tools, params: RunAction) -> Prepared:
    """Check the values and give the exact command."""
    call = _call(tools, params)
    return Prepared(call, f"`{call.words}`")


@playbook.step("Take a snapshot", budget_s=60, optional=True)
async def snapshot(tools: Tools, params: RunAction) -> Captured:
    """Keep what the targets are like before they are changed."""
    if not _configured(tools, params).is_mutating or not (await tools.targets(tools.service(params.service))).targets:
        return Captured("none is needed")
    outcome = await tools.run("snapshot", {"service": params.service, "seconds": 1})
    taken = outcome.status is RunStatus.DONE
    return Captured(str(outcome.result.get("summary") or "taken") if taken else f"none: {outcome.reason}")


@playbook.step("Do it", danger=Danger.MUTATING)
async def act(tools: Tools, params: RunAction, prepared: Prepared, captured: Captured | Missing) -> Acted:
    """Do exactly what was approved; keep what it said."""
    call = _call(tools, params)
    if call != prepared.call:
        raise CommandRejected(f"{params.action} is configured differently by now; nothing was done. Ask for it again.")
    again = _BEGAN in tools.memos
    await tools.apply(_BEGAN)  # fenced: whoever has lost the run does nothing
    if again and not _configured(tools, params).repeatable:
        tools.record(Kind.ACTED, **_told(call), ok=False, how="interrupted", artifact="")
        raised = f"{call.action} was interrupted, and may or may not be done. Look before you do it again."
        return Acted(ok=False, how="interrupted", artifact="", summary=raised)
    done = await tools.ports.doer.do(call)
    kept = await tools.ports.artifacts.put(f"{call.action}.txt", done.output) if done.output else None
    artifact = kept.sha256 if kept else ""
    if kept:
        tools.record(Kind.ARTIFACT, name=kept.name, sha256=artifact, bytes=kept.bytes, what=f"What {call.action} said")
    tools.record(Kind.ACTED, **_told(call), ok=done.ok, how=done.how, artifact=artifact)
    before = captured.reason if isinstance(captured, Missing) else captured.summary
    summary = f"`{call.words}` {'is done' if done.ok else 'failed'}: {done.how}. Snapshot before: {before}"
    return Acted(done.ok, done.how, artifact, summary)


@playbook.step("Say what came of it")
async def say(tools: Tools, params: RunAction, acted: Acted) -> Reply:  # noqa: ARG001 - a step is given both
    """Tell how it ended; a failure is one of the run."""
    if not acted.ok:
        raise RunFailed(acted.summary)
    return Reply(acted.summary, artifact=acted.artifact)


def _call(tools: Tools, params: RunAction) -> Call:
    return action_call(_configured(tools, params), params.service, action_values(params.values), tools.run_id)


def _configured(tools: Tools, params: RunAction) -> ConfiguredAction:
    service = tools.service(params.service)
    found = next((each for each in service.actions if each.name == params.action), None)
    if found is not None:
        return found
    names = tuple(each.name for each in service.actions)
    meant = closest(params.action, names)
    hint = f" Did you mean `{meant}`?" if meant else ""
    known = ", ".join(names) or "none; add [[services.actions]] to firstfive.toml"
    raise CommandRejected(f"{service.name} has no action `{params.action[:40]}`.{hint} Configured: {known}.")


def _told(call: Call) -> dict[str, str]:
    return {"service": call.service, "action": call.action, "command": call.words}
