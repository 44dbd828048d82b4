"""Block Kit from values: an answer, a request for approval, a button. No clock: the same gives the same.

Limits: docs.slack.dev/reference/block-kit, and fewer than 10,000 characters over all blocks of a message.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.slack.text import clean, clock, escape, line, mrkdwn, paragraphs, shorten
from bot.domain.approval import PLAN_SHOWN, Request
from bot.domain.run import Choice, Reply

Json = dict[str, Any]

HEADER = 150
SECTION = 3_000
BUTTON = 75
VALUE = 2_000
OPTION = 150
URL = 3_000
FALLBACK = 300
WHOLE = 9_000
"""So much a message says that asks for nothing but an approval; `BRIEF`: a card that says other things too."""
BRIEF = 1_500
_ROOM = 2_000
_ANSWER_SECTIONS = 3
_MOST_CHOICES = 10
_ENDLESS = 100_000


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
    """What the blocks need besides the incident: where its page is, which services can be named.

    `phases`: what the SOP goes through, each with its budget in seconds. `routed`: services whose traffic can be moved.
    """

    page_url: str
    services: tuple[str, ...] = ()
    phases: tuple[tuple[str, float], ...] = ()
    routed: tuple[str, ...] = ()

    def page(self, incident_id: str) -> str:
        """Give the address of an incident's page."""
        return f"{self.page_url.rstrip('/')}/incidents/{incident_id}"

    @property
    def drills(self) -> str:
        """The address of the page of all drills."""
        return f"{self.page_url.rstrip('/')}/drills"

    def seen(self, path: str) -> str:
        """Give the address of one of our pages."""
        return f"{self.page_url.rstrip('/')}{path}"

    def artifact(self, sha256: str) -> str:
        """Give the address of an artifact."""
        return f"{self.page_url.rstrip('/')}/artifacts/{sha256}"


def approval(incident_id: str, asked: Request, around: Around, *, room: int = _ROOM, alone: bool = False) -> list[Json]:
    """Draw a request for approval: the plan, what was measured, and a button for either answer, bound to this plan.

    Whoever approves has seen all that they agree to: what takes more than `room` characters is not told here, and the
    button leads to its page. `alone` also offers to do without a second person.
    """
    about = f"incident={incident_id} run={asked.run_id} plan={asked.plan[:PLAN_SHOWN]}"
    told = _plan(asked)
    yes = button("Approve", f"approve {about}", style="primary", confirm=_sure(asked))
    if len(told) > room:
        told = _pointed(asked)
        yes = link_button("See all of it", around.seen(f"/approvals/{asked.run_id}"))
    no = button("Refuse", f"refuse {about}", style="danger")
    glass = [button("Break the glass", f"break-glass {about}")] if alone else []
    return [*map(section, paragraphs(told, SECTION, _ENDLESS)), _actions([yes, no, *glass])]


def _plan(asked: Request) -> str:
    """Say all that is agreed to."""
    rows = [
        _waits(asked, _ENDLESS),
        f"Asked by {line(asked.requester.name, 60)}. It will: {line('; '.join(asked.will).lower(), _ENDLESS)}.",
        *(f"{line(title, _ENDLESS)}: {line(said, _ENDLESS)}" for title, said in asked.measured.items() if said),
    ]
    return "\n".join(rows)


def _pointed(asked: Request) -> str:
    """Say what waits, and where all of it stands."""
    way = f"`/incident approve run={asked.run_id} plan={asked.plan[:PLAN_SHOWN]}`"
    return (
        f"{_waits(asked, 120)}\nAsked by {line(asked.requester.name, 60)}. It is more than fits here: read all of it "
        f"on its page, then approve it there or by {way}."
    )


def _waits(asked: Request, limit: int) -> str:
    return f"Waits for a second person until {clock(asked.expires_at)}: *{line(asked.words, limit)}*"


def _sure(asked: Request) -> Json:
    return {
        "title": plain("Approve?", 100),
        "text": plain(f"{asked.words} is done at once. Your name goes on the timeline.", 300),
        "confirm": plain("Approve", 30),
        "deny": plain("Not yet", 30),
    }


def answer(reply: Reply, around: Around, shown: Message | None = None) -> Message:
    """Draw an answer: its text, its choices as buttons, the card below if it asks for one.

    What is too long to be shown whole, and has a page, is read there before anything is chosen.
    """
    text = mrkdwn(reply.text)
    # The card says what the text does, for places that have no room for it.
    pieces = [] if shown else paragraphs(text, SECTION, _ANSWER_SECTIONS)
    is_cut = bool(pieces) and len(paragraphs(text, SECTION, _ENDLESS)) > len(pieces)
    blocks = [section(piece) for piece in pieces]
    links = [link_button("See it", around.seen(reply.page))] if reply.page else []
    links += [link_button("Open it", around.artifact(reply.artifact))] if reply.artifact else []
    blocks += [_actions(links)] if links else []
    choices = () if is_cut and reply.page else reply.choices[:_MOST_CHOICES]
    buttons = [chosen for choice in choices if (chosen := _choice(choice)) is not None]
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


def option(label: str, words: str) -> Json:
    """Give an entry of a menu that does what the words after `/incident` do; they must be few."""
    return {"text": plain(label, BUTTON), "value": json.dumps({"do": words})}


def menu(label: str, options: Sequence[Json]) -> Json:
    """Give what hides behind three dots: one to five entries."""
    return {"type": "overflow", "options": list(options), "action_id": f"ff:{label}"}


def select(text: str, placeholder: str, options: Sequence[Json]) -> Json:
    """Give a question with at most a hundred answers; those too long for an entry are left out."""
    fitting = [each for each in options if len(each["value"]) <= OPTION]
    asked = {"type": "static_select", "placeholder": plain(placeholder, 150), "options": fitting}
    return section(text) | ({"accessory": {**asked, "action_id": f"ff:{placeholder}"}} if fitting else {})


def context(text: str) -> Json:
    """Give a line in small letters."""
    return {"type": "context", "elements": [_text(text)]}


def named(blocks: Sequence[Json]) -> tuple[Json, ...]:
    """Give every button its action id, after its label: pressed while the message changes, it means the same."""
    taken: Counter[str] = Counter()

    def name(element: Json) -> Json:
        if "action_id" in element:
            return element
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
