"""What happens in a drill, in plain words."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.domain.timeline import Kind, from_us


def told(kind: Kind, facts: Mapping[str, Any]) -> str:
    """Say in a sentence what an entry of one of `KINDS` tells; its actor is the subject."""
    return _TOLD[kind](facts)


def _started(facts: Mapping[str, Any]) -> str:
    fault = facts["class"]
    what = f"{fault} ({facts['size']}) on {facts['target']}" if fault else "a fault that nobody is told"
    until = f", until {from_us(int(facts['ends_at'])):%H:%M:%S} UTC at most" if facts["ends_at"] else ""
    return f"Began a drill on {facts['service']}: {what}{until}."


def _ended(facts: Mapping[str, Any]) -> str:
    score, left = facts["score"] or {}, facts["left"]
    if not facts["real"]:
        return f"The drill could not be made real{f': {left}' if left else ''}."
    by = f" by {facts['by']}" if facts["by"] else ""
    goes_on = f" {left}. What is on there goes on." if left else ""
    return f"The drill is over, {facts['how']}{by}: it was {score.get('fault')} on {score.get('target')}.{goes_on}"


def was(facts: Mapping[str, Any]) -> str:
    """Say what a drill that is over was, and whether a new diagnosis names it still; "" if it never was real."""
    if not facts["real"]:
        return ""
    score, gone = facts["score"], facts.get("gone")
    is_seen = gone is not None and score.get("verdict_s") is not None
    seen = f"; a new diagnosis names it {'no more' if gone else 'still'}" if is_seen else ""
    return f"It was {score.get('fault')} on {score.get('target')}{seen}."


_TOLD: Mapping[Kind, Callable[[Mapping[str, Any]], str]] = {
    Kind.DRILL_STARTED: _started,
    Kind.DRILL_ANSWERED: lambda facts: f"Said that it is {facts['class']}.",
    Kind.DRILL_ENDED: _ended,
}
KINDS = tuple(_TOLD)
