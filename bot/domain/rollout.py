"""Where a service's canary stands in an incident: the last judgement, and what was done about it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.canary import Judgement
from bot.domain.timeline import BLANK, Entry, Kind


@dataclass(frozen=True)
class Rollout:
    """What is known of the canary; all of it words for a person.

    `proposed`: something is to be done about the judgement, and nothing was yet. `set_`: what the router was told last,
    `safe`: what was measured after that, `drift`: what somebody else has made of it.
    """

    service: str
    judgement: str = ""
    words: str = ""
    proposed: bool = False
    set_: str = ""
    safe: str = ""
    drift: str = ""


def follow(rollout: Rollout | None, entry: Entry) -> Rollout:
    """Give where the canary stands after one more entry about it."""
    facts = entry.facts
    known = rollout or Rollout(str(facts["service"]))
    if known.service != facts["service"]:
        known = Rollout(str(facts["service"]))
    if entry.kind == Kind.DRIFTED:
        return replace(known, drift=drifted(facts), proposed=_is_bad(known.judgement))
    if entry.kind == Kind.TRAFFIC_SET:
        return replace(known, set_=traffic_set(facts), proposed=False, safe="", drift="")
    if facts["when"] == "verified":
        return replace(known, safe=str(facts["words"]))
    judgement = str(facts["judgement"])
    return replace(known, judgement=judgement, words=str(facts["words"]), proposed=_is_bad(judgement))


def judged(facts: Mapping[str, Any]) -> str:
    """Tell a judgement in a sentence."""
    if facts["when"] == "verified":
        return str(facts["words"])
    return f"Judged the canary of {facts['service']}: {facts['judgement']}. {facts['words']}"


def traffic_set(facts: Mapping[str, Any]) -> str:
    """Tell in a sentence what a router was told to do."""
    verb = _VERBS.get(str(facts["verb"]), "Set the traffic of")
    by = f", approved by {facts['approved_by']}" if facts["approved_by"] else ""
    by = ", by itself, as two people have let it" if facts.get("by_itself") else by
    reason = facts["reason"] if facts["reason"] in {"", BLANK} else f"({facts['reason']})"
    why = f" {reason}" if reason else ""
    return f"{verb} {facts['service']}{by}{why}: {facts['after']}; before, {facts['before']}."


def drifted(facts: Mapping[str, Any]) -> str:
    """Tell in a sentence that somebody else has changed a router."""
    return (
        f"Somebody else has changed the router of {facts['service']}. FirstFive set it to: {facts['wanted']}. "
        f"It is now: {facts['now']}."
    )


def _is_bad(judgement: str) -> bool:
    return bool(judgement) and Judgement(judgement).is_bad


_VERBS = {
    "rollback": "Rolled back",
    "restore": "Took back the rollback of",
    "empty": "Took the new traffic away from the canary of",
}
