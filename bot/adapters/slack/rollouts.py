"""What Slack shows of a canary: its line on the card with the way out, and a message for whatever is done about it."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.adapters.slack.blocks import Json, actions, button, plain, section
from bot.adapters.slack.text import line
from bot.domain.incident import Incident
from bot.domain.rollout import Rollout, drifted

_LONGEST = 600
_SAID = {
    "rollback": "roll it back",
    "hold": "hold it",
    "inconclusive": "not clear",
    "promote": "nothing speaks against it",
}


def canary_card(incident: Incident) -> list[Json]:
    """Say where the canary stands, and offer to roll back while that is proposed and nobody has asked for it.

    A canary against which nothing is said, and to which nothing was done, leaves the room to what matters.
    """
    rollout = incident.rollout
    if rollout is None or not (rollout.proposed or rollout.set_ or rollout.drift):
        return []
    shown = section("\n".join(_lines(rollout)), _LONGEST)
    asked = any(each.playbook == "rollback" for each in incident.waiting)
    if not rollout.proposed or asked or incident.is_over:
        return [shown]
    return [shown, actions([roll_back(rollout.service, incident.id)])]


def roll_back(service: str, incident_id: str) -> Json:
    """Give the button that asks for a rollback."""
    ask = {
        "title": plain("Roll back?", 100),
        "text": plain(f"No request of {service} reaches its canary then. A second person is asked first.", 300),
        "confirm": plain("Roll back", 30),
        "deny": plain("Not yet", 30),
    }
    return button("Roll back", f"rollback {service} incident={incident_id}", style="danger", confirm=ask)


def judged_text(facts: Mapping[str, Any]) -> str:
    """Say in a message how a canary was judged."""
    words = line(str(facts["words"]), _LONGEST)
    if facts["when"] == "verified":
        return f"*{words}*" if facts.get("safe") else words
    return f"*Canary of {line(str(facts['service']), 100)}: {_said(str(facts['judgement']))}.* {words}"


def judged_buttons(facts: Mapping[str, Any], incident_id: str) -> list[Json]:
    """Give what can be done about it: to roll back, or to say that users are safe."""
    if facts["when"] == "verified":
        return [actions([button("Mitigated", f"mitigate incident={incident_id}")])] if facts.get("safe") else []
    bad = facts["judgement"] in {"rollback", "hold"}
    return [actions([roll_back(str(facts["service"]), incident_id)])] if bad else []


def set_text(facts: Mapping[str, Any]) -> str:
    """Say in a message what a router was told, and that it does it."""
    done = _DONE.get(str(facts["verb"]), "Traffic is set").format(line(str(facts["service"]), 100))
    by = f" Approved by {line(str(facts['approved_by']), 60)}." if facts.get("approved_by") else ""
    by = " FirstFive did this by itself, as two people have let it; one can veto." if facts.get("by_itself") else by
    return f"*{done}:* {line(str(facts['after']), 300)}.{by}\nBefore: {line(str(facts['before']), 300)}."


def set_buttons(facts: Mapping[str, Any], incident_id: str) -> list[Json]:
    """Offer to take it back."""
    if facts["verb"] == "restore":
        return []
    about = f"{facts['service']} incident={incident_id}"
    if facts.get("by_itself"):
        return [actions([button("Veto", f"restore {about} veto={facts['run']}", style="danger")])]
    return [actions([button("Take it back", f"restore {about}")])]


def drift_text(facts: Mapping[str, Any]) -> str:
    """Say in a message that somebody else has changed a router."""
    return f"*Not what FirstFive set.* {line(drifted(facts), _LONGEST)}"


def _lines(rollout: Rollout) -> Sequence[str]:
    """Give the line that matters now: the drift, what was done and whether that helped, or the judgement."""
    if rollout.drift:
        return [f"*Not what FirstFive set.* {line(rollout.drift, 300)}"]
    if rollout.set_:
        safe = f" *{line(rollout.safe, 250)}*" if rollout.safe else ""
        return [f"{line(rollout.set_, 300)}{safe}"]
    return [f"*Canary: {_said(rollout.judgement)}.* {line(rollout.words, 300)}"]


def _said(judgement: str) -> str:
    return _SAID.get(judgement, judgement)


_DONE = {
    "rollback": "Rolled back {}",
    "restore": "The rollback of {} is taken back",
    "empty": "The canary of {} gets no new traffic",
}


def denied(facts: Mapping[str, Any], _: str) -> str:
    """Say which deploy the gate has denied, and why."""
    name = f"{line(facts['service'], 100)} {line(facts['release'], 100)}".strip()
    return f"The deploy gate denied *{name}*: {line('; '.join(map(str, facts['reasons'])), 600)}"
