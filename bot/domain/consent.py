"""What people let happen, hold, and answer for, in plain words."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.domain.approval import Decision
from bot.domain.timeline import Kind, from_us

_TRIED = {Decision.APPROVED: "approve", Decision.REFUSED: "refuse", Decision.ALONE: "break the glass for"}


def told(kind: Kind, facts: Mapping[str, Any]) -> str:
    """Say in a sentence what an entry of one of `KINDS` tells; its actor is the subject."""
    return _TOLD[kind](facts)


def reached(facts: Mapping[str, Any]) -> str:
    """Name who was reached by a page, and who was not."""
    rows = facts.get("reached") or ()
    good = ", ".join(f"{each['person']} ({each['how']})" for each in rows if each["ok"])
    bad = ", ".join(f"{each['person']} ({each['reason']})" for each in rows if not each["ok"])
    return f"{good or 'nobody'}{f'; could not reach {bad}' if bad else ''}"


def _what(facts: Mapping[str, Any]) -> str:
    return f"{facts['playbook']} on {facts['service']}" if facts.get("service") else str(facts["playbook"])


def _tried(facts: Mapping[str, Any]) -> str:
    verb = _TRIED.get(facts["decision"], "decide about")
    return f"Tried to {verb} {_what(facts)}, which did not count: {facts['reason']}"


def _broke_glass(facts: Mapping[str, Any]) -> str:
    despite = f" Despite a freeze: {facts['frozen']}" if facts.get("frozen") else ""
    return f"Broke the glass: let {_what(facts)} through alone, without a second person: {facts['reason']}.{despite}"


def _standing(facts: Mapping[str, Any]) -> str:
    if not facts["on"]:
        return f"Took the standing approval of {facts['service']} back."
    by = f"approved by {facts['name']}, policy {str(facts['policy'])[:12]}"
    return f"Let FirstFive empty the canary of {facts['service']} by itself, {by}."


def _frozen(facts: Mapping[str, Any]) -> str:
    until = f" until {from_us(int(facts['until'])):%Y-%m-%d %H:%M} UTC" if facts.get("until") else ""
    return f"Froze {facts['service']}{until}: {facts['reason']}"


def _thawed(facts: Mapping[str, Any]) -> str:
    why = f": {facts['reason']}" if facts.get("reason") else "."
    return f"Thawed {facts['service']}{why}"


_TOLD: Mapping[Kind, Callable[[Mapping[str, Any]], str]] = {
    Kind.APPROVAL_TRIED: _tried,
    Kind.BROKE_GLASS: _broke_glass,
    Kind.STANDING_SET: _standing,
    Kind.FROZEN: _frozen,
    Kind.THAWED: _thawed,
    Kind.PAGED: lambda facts: f"Paged {reached(facts)}: {facts['text']}",
}
KINDS = tuple(_TOLD)
