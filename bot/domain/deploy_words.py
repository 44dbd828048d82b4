"""What the timeline says of deploys, in sentences: what went out, what the gate allowed or denied, what overrode it."""

from collections.abc import Mapping
from typing import Any

from bot.domain.timeline import Kind, from_us

KINDS = (Kind.DEPLOYED, Kind.DEPLOY_ALLOWED, Kind.DEPLOY_DENIED, Kind.DEPLOY_OVERRIDDEN)


def told(kind: Kind, facts: Mapping[str, Any]) -> str:
    """Say what an entry of one of `KINDS` tells; keys that it does not have must read as ""."""
    name, reasons = f"{facts['service']} {facts['release']}".strip() or "a deploy", _listed(facts["reasons"])
    if kind is Kind.DEPLOY_DENIED:
        return f"The gate denied {name}: {reasons}."
    if kind is Kind.DEPLOY_OVERRIDDEN:
        until = f"{from_us(int(facts['until'] or 0)):%H:%M} UTC"
        why = f" Why: {facts['reason']}" if facts["reason"] else ""
        return f"Let {name} be deployed once until {until}, approved by {facts['name']}, despite: {reasons}.{why}"
    if kind is Kind.DEPLOY_ALLOWED:
        return _allowed(name, facts)
    commit = f" ({str(facts['commit'])[:7]})" if facts["commit"] else ""
    by = f" by {facts['by']}" if facts["by"] else ""
    return f"{name}{commit} was deployed at {from_us(int(facts['at'] or 0)):%H:%M:%S} UTC{by}."


def _allowed(name: str, facts: Mapping[str, Any]) -> str:
    if facts["overridden"]:
        return f"The gate let {name} through, overridden by {facts['overridden']}: {_listed(facts['reasons'])}."
    proven = _listed(facts["proven"])
    return f"The gate let {name} through{f': {proven}' if proven else ''}."


def _listed(lines: Any) -> str:
    return "; ".join(map(str, lines))
