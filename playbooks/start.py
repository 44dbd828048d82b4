"""Open an incident and start its five minutes; refuses nothing, asks nothing."""

from bot.engine import (
    CommandRejected,
    Kind,
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
    """What is wrong, as far as anybody knows yet."""

    severity: Severity | None = None
    service: ServiceName = ""
    title: Rest = ""
    started: Moment = ""
    warnings: Warnings = ()


playbook = Playbook("start", "Open an incident; its five minutes begin.", Start)


@playbook.step("Open the incident")
async def open_(tools: Tools, params: Start) -> Reply:
    """Open it with whatever was understood; what was not becomes a warning."""
    severity = params.severity or Severity(tools.catalog.default_severity)
    known = tools.catalog.service(params.service) is not None
    warnings = [f"{warning} {_consequence(warning, severity)}".strip() for warning in params.warnings]
    if params.service and not known:
        warnings.append(f"No service is named `{params.service[:40]}`. Name one and the capture starts.")
    service = params.service if known else ""
    warnings += [
        f"{other.id} ({other.title[:80]}) is open on {service} too."
        for other in await tools.incidents(limit=_LOOKED_AT)
        if service and other.service == service and other.id != tools.opened
    ][:1]
    words = " ".join(params.title.split())
    title = _shorten(words) or (f"{service} incident" if service else "Something is wrong")
    started = _started(tools, params.started, warnings)
    incident_id = await tools.open_incident(
        title=title,
        text=words if words != title else "",
        severity=severity.value,
        service=service,
        warnings=warnings,
    )
    if started is not None:
        tools.record(Kind.MILESTONE, milestone=Milestone.STARTED.value, at=started, source="given at start")
    tools.record(Kind.MILESTONE, milestone=Milestone.DETECTED.value, at=to_us(tools.now()), source="incident start")
    tools.begin("sop", {})
    notes = "".join(f"\n• {warning}" for warning in warnings)
    return Reply(f"*{incident_id}* is open: {severity.value}, {title}. Go on in its channel, which opens now.{notes}")


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
