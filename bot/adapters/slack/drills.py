"""What a channel is told of a drill: that it is one and how it ends, and in the end the score."""

from collections.abc import Mapping
from typing import Any

from bot.adapters.slack.blocks import Around, Json, actions, button, link_button
from bot.adapters.slack.text import clock, line
from bot.domain import scores
from bot.domain.timeline import Entry, Kind, from_us

_LONGEST = 300


def told(entry: Entry, around: Around) -> tuple[str, list[Json]]:
    """Give what is said, mrkdwn, and the buttons below it."""
    return _started(entry) if entry.kind == Kind.DRILL_STARTED else _ended(entry, around)


def answered(facts: Mapping[str, Any], who: str) -> str:
    """Say what somebody thinks that it is."""
    return f"{who} says that it is *{line(str(facts['class']), 60)}*"


def _started(entry: Entry) -> tuple[str, list[Json]]:
    """Say that this is a drill, of what if that is no secret, and how it ends."""
    facts, about = entry.facts, f"incident={entry.incident_id}"
    who, until = line(entry.actor_name, 60), clock(from_us(int(facts["ends_at"])))
    what = f"*{facts['class']}* on {line(facts['target'], 60)}" if facts["class"] else "a fault that nobody is told"
    text = (
        f"*This is a drill*, by {who}: {what}. Locate and mitigate it as if it were real; it ends by itself at {until}."
        "\nWhat is it? `/incident drill answer=CLASS` counts for your score."
    )
    ways = [button("Mend it", f"drill mend {about}"), button("End the drill", f"drill off {about}")]
    return text, [actions(ways)]


def _ended(entry: Entry, around: Around) -> tuple[str, list[Json]]:
    """Tell the score in a few lines, with the way to the league."""
    facts, score = entry.facts, scores.of_entry(entry)
    if score is None:
        return f"*The drill could not be made real*: {line(str(facts.get('left') or 'nobody knows why'), _LONGEST)}", []
    head, *rest = (line(each, _LONGEST) for each in scores.card(score, facts, facts["before"]))
    return "\n".join([f"*{head}*", *(f"• {each}" for each in rest)]), [
        actions([link_button("All drills", around.drills)])
    ]
