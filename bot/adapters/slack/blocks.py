"""Block Kit from values: the card, an answer, a button. No clock: the same incident gives the same blocks.

Limits: docs.slack.dev/reference/block-kit, and 13,200 characters over all blocks of a message, measured by others.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.adapters.slack.text import clean, clock, escape, line, mrkdwn, paragraphs, plain_clock, shorten
from bot.domain.approval import PLAN_SHOWN, Request
from bot.domain.incident import Incident, Phase, PhaseState, Status
from bot.domain.measures import Milestone, duration
from bot.domain.run import Choice, Reply

Json = dict[str, Any]

HEADER = 150
SECTION = 3_000
BUTTON = 75
VALUE = 2_000
URL = 3_000
FALLBACK = 300
_CARD_SECTION = 2_000
_ANSWER_SECTIONS = 3
_MOST_CHOICES = 10
_MOST_SERVICES = 5
_MOST_WARNINGS = 3
_MOST_WAITING = 2
_MOST_MEASURED = 5
_MOST_PHASES = 8

_SIGNS = {
    PhaseState.AHEAD: "○",
    PhaseState.RUNNING: "▶",
    PhaseState.DONE: "✓",
    PhaseState.OVERRAN: "!",
    PhaseState.FAILED: "✗",
}


@dataclass(frozen=True)
class Message:
    """What a message shows: its blocks, and the text for notifications and screen readers."""

    text: str
    blocks: tuple[Json, ...] = ()

    def args(self) -> Json:
        """Give the arguments of chat.postMessage and its like."""
        return {"text": self.text, "blocks": list(self.blocks)} if self.blocks else {"text": self.text}


@dataclass(frozen=True)
class Around:
    """What the blocks need besides the incident: where its page is, which services can be named."""

    page_url: str
    services: tuple[str, ...] = ()

    def page(self, incident_id: str) -> str:
        """Give the address of an incident's page."""
        return f"{self.page_url.rstrip('/')}/incidents/{incident_id}"

    def artifact(self, sha256: str) -> str:
        """Give the address of an artifact."""
        return f"{self.page_url.rstrip('/')}/artifacts/{sha256}"


def card(incident: Incident, around: Around) -> Message:
    """Draw the incident's card: one screen, the buttons that fit its state."""
    parts = [
        _standing(incident),
        _deadline(incident),
        *(_phase(phase) for phase in incident.phases[:_MOST_PHASES]),
    ]
    notes = [*_warnings(incident), _alerts(incident), _escalation(incident), _last_update(incident)]
    said = [_verdict(incident), *notes]
    blocks: list[Json] = [
        {"type": "header", "text": plain(f"{incident.severity.value} {incident.title}", HEADER)},
        section("\n".join(parts), _CARD_SECTION),
        *([section("\n".join(filter(None, said)), _CARD_SECTION)] if any(said) else []),
        *(block for asked in incident.waiting[:_MOST_WAITING] for block in approval(incident.id, asked)),
        *_card_buttons(incident, around),
        {"type": "context", "elements": [_text(f"{incident.id}, opened {clock(incident.opened_at)}")]},
    ]
    return Message(_summary(incident), named(blocks))


def approval(incident_id: str, asked: Request) -> list[Json]:
    """Draw a request for approval: the plan, what was measured, and a button for either answer, bound to this plan."""
    about = f"incident={incident_id} run={asked.run_id} plan={asked.plan[:PLAN_SHOWN]}"
    measured = [(title, said) for title, said in asked.measured.items() if said]
    lines = [
        f"Waits for a second person until {clock(asked.expires_at)}: *{line(asked.words, 300)}*",
        f"Asked by {line(asked.requester.name, 60)}. It will: {line('; '.join(asked.will).lower(), 200)}.",
        *(f"{line(title, 80)}: {line(said, 250)}" for title, said in measured[:_MOST_MEASURED]),
    ]
    ask = {
        "title": plain("Approve?", 100),
        "text": plain(f"{asked.words} is done at once. Your name goes on the timeline.", 300),
        "confirm": plain("Approve", 30),
        "deny": plain("Not yet", 30),
    }
    yes = button("Approve", f"approve {about}", style="primary", confirm=ask)
    no = button("Refuse", f"refuse {about}", style="danger")
    return [section("\n".join(lines), _CARD_SECTION), _actions([yes, no])]


def answer(reply: Reply, around: Around, shown: Message | None = None) -> Message:
    """Draw an answer: its text, its choices as buttons, the card below if it asks for one."""
    # The card says what the text does, for places that have no room for it.
    pieces = [] if shown else paragraphs(mrkdwn(reply.text), SECTION, _ANSWER_SECTIONS)
    blocks = [section(piece) for piece in pieces]
    if reply.artifact:
        blocks.append(_actions([link_button("Open it", around.artifact(reply.artifact))]))
    buttons = [chosen for choice in reply.choices[:_MOST_CHOICES] if (chosen := _choice(choice)) is not None]
    if buttons:
        blocks.append(_actions(buttons))
    if shown is not None:
        blocks.extend(shown.blocks)
    fallback = escape(shorten(clean(reply.text), FALLBACK)) or (shown.text if shown else "Done.")
    return Message(fallback, named(blocks))


def plain(text: str, limit: int) -> Json:
    """Give a plain_text object; Slack wants it not empty."""
    return {"type": "plain_text", "text": shorten(clean(text), limit) or "-", "emoji": False}


def section(text: str, limit: int = SECTION) -> Json:
    """Give a section of mrkdwn; `text` is not empty."""
    return {"type": "section", "text": _text(paragraphs(text, limit, 1)[0])}


def button(label: str, words: str, *, style: str = "", confirm: Json | None = None) -> Json:
    """Give a button that does what the words after `/incident` do."""
    made: Json = {"type": "button", "text": plain(label, BUTTON), "value": json.dumps({"do": words})}
    return made | ({"style": style} if style else {}) | ({"confirm": confirm} if confirm else {})


def link_button(label: str, url: str) -> Json:
    """Give a button that opens a page."""
    return {"type": "button", "text": plain(label, BUTTON), "url": url[:URL]}


def named(blocks: Sequence[Json]) -> tuple[Json, ...]:
    """Give every button its action id, after its label: pressed while the message changes, it means the same."""
    taken: Counter[str] = Counter()

    def name(element: Json) -> Json:
        label = f"ff:{element['text']['text']}"
        taken[label] += 1
        return {**element, "action_id": label if taken[label] == 1 else f"{label}:{taken[label]}"}

    return tuple(
        {**block, "elements": [name(each) for each in block["elements"]]} if block["type"] == "actions" else block
        for block in blocks
    )


def actions(buttons: Sequence[Json]) -> Json:
    """Give a row of buttons."""
    return _actions(list(buttons))


def _choice(choice: Choice) -> Json | None:
    value = {"again": choice.again, "incident": choice.incident_id} if choice.again else {"do": choice.command}
    text = json.dumps(value)
    if len(text) > VALUE:
        return None
    return {"type": "button", "text": plain(choice.label, BUTTON), "value": text}


def _actions(buttons: list[Json]) -> Json:
    return {"type": "actions", "elements": buttons}


def _text(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def _standing(incident: Incident) -> str:
    """Say in one line what everybody asks first; the severity is in the header."""
    commander = line(incident.commander.name, 100) if incident.commander else "nobody yet"
    service = line(incident.service, 100) or "not named yet"
    return f"Status *{incident.status.value}* · Commander *{commander}* · Service *{service}*"


def _deadline(incident: Incident) -> str:
    if incident.status is not Status.OPEN:
        return _ended(incident)
    at = clock(incident.deadline_at)
    if incident.escalation:
        return f"*Five minutes were over at {at}.*"
    then = "it escalates then" if incident.severity.pages else f"nobody is paged for {incident.severity.value}"
    return f"*Five minutes end at {at}*; {then}."


def _ended(incident: Incident) -> str:
    started = incident.milestones.get(Milestone.STARTED)
    since, word = (started, "start") if started else (incident.opened_at, "opening")
    reached = [(what, incident.milestones.get(what)) for what in (Milestone.MITIGATED, Milestone.RESOLVED)]
    told = [f"{what.value} {duration(at - since)}" for what, at in reached if at is not None]
    if not told:
        return f"*{incident.status.value.capitalize()}.*"
    return f"*{' and '.join(told).capitalize()} after the {word}.*"


def _phase(phase: Phase) -> str:
    budget = timedelta(seconds=round(phase.budget_s))
    times, summary = "", phase.summary
    if phase.state is PhaseState.RUNNING and budget:
        times = f" until {clock(phase.started_at + budget)}"
    elif phase.state is PhaseState.OVERRAN:
        times, summary = f" its {duration(budget)}", ""
    elif phase.ended_at is not None:
        of_budget = f" of {duration(budget)}" if budget else ""
        times = f" in {_short(phase.ended_at - phase.started_at)}{of_budget}"
    told = f": {line(summary, 220)}" if summary else ""
    return f"{_SIGNS[phase.state]} *{line(phase.title, 80)}* {phase.state.value}{times}{told}"


def _short(value: timedelta) -> str:
    """Write a duration; below ten seconds the tenths tell phases apart."""
    seconds = value.total_seconds()
    return f"{seconds:.1f} s" if seconds < 10 else duration(value)  # noqa: PLR2004 - see above


def _verdict(incident: Incident) -> str:
    if incident.verdict:
        fix = f"\n*Fix:* {line(incident.fix, 300)}" if incident.fix else ""
        return f"*Verdict: {line(incident.verdict, 60)}.* {line(incident.statement, 500)}{fix}"
    return f"*No verdict.* {line(incident.statement, 500)}" if incident.statement else ""


def _warnings(incident: Incident) -> list[str]:
    return [f"Note: {line(warning, 250)}" for warning in incident.warnings[:_MOST_WARNINGS]]


def _alerts(incident: Incident) -> str:
    if not incident.alerts:
        return ""
    firing = sum(incident.alerts.values())
    return f"*{firing} {'alert fires' if firing == 1 else 'alerts fire'}.*" if firing else "*All alerts have resolved.*"


def _escalation(incident: Incident) -> str:
    answered = f" *{line(incident.answered, 60)} answered the page.*" if incident.answered else ""
    return f"*Escalated.* {line(incident.escalation, 300)}{answered}" if incident.escalation else ""


def _last_update(incident: Incident) -> str:
    said = incident.last_update
    return f"Last update {clock(said.at)} by {line(said.who, 60)}: {line(said.text, 250)}" if said else ""


def _card_buttons(incident: Incident, around: Around) -> list[Json]:
    about = f"incident={incident.id}"
    rows = [_actions([*_state_buttons(incident, about), link_button("Incident page", around.page(incident.id))])]
    if not incident.service and around.services and incident.status in {Status.OPEN, Status.MITIGATED}:
        named = [button(name, f"service {name} was=- {about}") for name in around.services[:_MOST_SERVICES]]
        rows = [section("Which service is it? Its capture starts on the press."), _actions(named), *rows]
    return rows


def _state_buttons(incident: Incident, about: str) -> list[Json]:
    """Give the buttons that make sense now; pressing one that no longer does changes nothing and says so."""
    over = incident.is_over
    buttons: list[Json] = []
    if not over and Milestone.ACKNOWLEDGED not in incident.milestones:
        buttons.append(button("Acknowledge", f"ack {about}", style="primary"))
    if not over:
        buttons.append(button("Take command", f"role commander me was={_holder(incident)} {about}"))
        if incident.service:
            buttons.append(button("Snapshot", f"snapshot {about}"))
    if incident.status is Status.OPEN:
        buttons.append(button("Mitigated", f"mitigate {about}"))
    if not over:
        buttons.append(
            button("Resolved", f"resolve saw={incident.status.value} {about}", confirm=_confirm_resolve(incident))
        )
    else:
        buttons.append(button("Postmortem", f"postmortem {about}", style="primary"))
    buttons.append(button("Add note", f"note {about}"))
    if not over:
        buttons.append(button("Send update", f"update {about}"))
    return buttons


def _holder(incident: Incident) -> str:
    return incident.commander.id if incident.commander else "-"


def _confirm_resolve(incident: Incident) -> Json:
    hint = " If users are safe but the cause is not gone: Mitigated." if incident.status is Status.OPEN else ""
    return {
        "title": plain(f"Resolve {incident.id}?", 100),
        "text": plain(f"Do this when the cause is gone.{hint}", 300),
        "confirm": plain("Resolve", 30),
        "deny": plain("Not yet", 30),
    }


def _summary(incident: Incident) -> str:
    commander = shorten(clean(incident.commander.name), 60) if incident.commander else "nobody yet"
    until = f" Five minutes end {plain_clock(incident.deadline_at)}." if incident.status is Status.OPEN else ""
    head = f"{incident.severity.value} {incident.id} {incident.title}"
    return escape(f"{shorten(clean(head), FALLBACK)}: {incident.status.value}, commander {commander}.{until}")
