"""Open an incident and start its five minutes; refuses nothing, asks nothing."""

from bot.engine import (
    Choice,
    CommandRejected,
    Field,
    Kind,
    Listed,
    Milestone,
    MilestoneRefused,
    Moment,
    Params,
    Playbook,
    Reply,
    Rest,
    ServiceName,
    Severity,
    Tools,
    Warnings,
    check_milestone,
    moment,
    to_us,
)

_LONGEST_TITLE = 150
_LOOKED_AT = 20


class Start(Params):
    """What is wrong, as far as anybody knows yet. A private incident is seen by whoever takes part only."""

    severity: Severity | None = None
    service: ServiceName = Field("", title="Service, if you know it")
    title: Rest = Field("", title="What is wrong?")
    started: Moment = Field("", title="Since when?")
    private: bool = Field(default=False, title="Private", description="Only whoever takes part sees it")
    warnings: Warnings = ()


playbook = Playbook("start", "Open an incident; its five minutes begin.", Start, form="Start an incident")


@playbook.step("Open the incident")
async def open_(tools: Tools, params: Start) -> Reply:
    """Open it with whatever was understood; what was not becomes a warning."""
    severity = params.severity or Severity(tools.catalog.default_severity)
    service = params.service if tools.catalog.service(params.service) is not None else ""
    warnings = [f"{warning} {_consequence(warning, severity)}".strip() for warning in params.warnings]
    if params.service and not service:
        warnings.append(f"No service is named `{params.service[:40]}`. Name one and the capture starts.")
    words = " ".join(params.title.split())
    title = _shorten(words) or (f"{service} incident" if service else "Something is wrong")
    other = await _same(tools, service, private=params.private)
    started = _started(tools, params.started, warnings)
    incident_id = await tools.open_incident(
        title=title,
        text=words if words != title else "",
        severity=severity.value,
        service=service,
        warnings=[*warnings, *_seen(other, private=params.private)],
        **({"private": True} if params.private else {}),
    )
    if started is not None:
        tools.record(Kind.MILESTONE, milestone=Milestone.STARTED.value, at=started, source="given at start")
    tools.record(Kind.MILESTONE, milestone=Milestone.DETECTED.value, at=to_us(tools.now()), source="incident start")
    tools.begin("sop", {})
    tools.begin("oncall", {})
    private = " Only whoever takes part sees it: `/incident join @somebody` brings people in." if params.private else ""
    same = [f"{other.id} ({other.title[:80]}) is open on {service} too. Is it the same?"] if other else []
    notes = "".join(f"\n• {each}" for each in [*warnings, *same])
    return Reply(
        f"*{incident_id}* is open: {severity.value}, {title}. Go on in its channel, which opens now.{private}{notes}",
        _join_or_merge(incident_id, other),
    )


async def _same(tools: Tools, service: str, *, private: bool) -> Listed | None:
    """Give another open incident on the service; of a private one nothing may show in one that is not."""
    latest = await tools.incidents(limit=_LOOKED_AT) if service else []
    others = (row for row in latest if row.id != tools.opened and not row.drill)
    return next((row for row in others if (row.service, row.private) == (service, private)), None)


def _seen(other: Listed | None, *, private: bool) -> list[str]:
    """Say to everybody that another is open, without its title: who takes that back there finds it nowhere else.

    Whoever takes part in a private one need not know of another: only whoever asked is told.
    """
    return [f"{other.id} is open on {other.service} too. Is it the same?"] if other and not private else []


def _join_or_merge(incident_id: str, other: Listed | None) -> tuple[Choice, ...]:
    if other is None:
        return ()
    return (
        Choice(f"Merge into {other.id}", f"merge into={other.id} incident={incident_id}"),
        Choice(f"Only join {other.id}", f"join incident={other.id}"),
    )


def _shorten(words: str) -> str:
    return words if len(words) <= _LONGEST_TITLE else f"{words[: _LONGEST_TITLE - 1]}…"


def _consequence(warning: str, severity: Severity) -> str:
    return f"Opened as {severity.value}; `/incident severity sev1` changes it." if "not a severity" in warning else ""


def _started(tools: Tools, text: str, warnings: list[str]) -> int | None:
    """Read the time it began; a wrong one must not keep the incident from opening."""
    if not text:
        return None
    now = tools.now()
    try:
        at = moment(text, now)
        check_milestone({Milestone.DETECTED: now}, Milestone.STARTED, at, now)
    except (CommandRejected, MilestoneRefused) as error:
        warnings.append(str(error))
        return None
    return to_us(at)
