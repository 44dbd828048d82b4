"""The modals: one for each verb, drawn from its params; what is given already is filled in.

Limits: docs.slack.dev/reference/block-kit and views (a title of 24 characters, 100 options of 75).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.run import Source
from bot.domain.service import Catalog
from bot.engine.fields import Ask, Question, questions
from bot.engine.playbook import Playbook

Json = dict[str, Any]

PREFIX = "ff:"
_TITLE = 24
_TEXT_LENGTH = 3_000
_LINE_LENGTH = 150
_OPTIONS = 100
_OPTION = 75
_HINT = 150
_MENTION = re.compile(r"<@([UW][A-Z0-9]{2,20})(?:\|[^>]*)?>")


@dataclass(frozen=True)
class Filled:
    """What a person put into a modal, and where they came from."""

    verb: str
    params: Mapping[str, str]
    source: Source
    incident_id: str


@dataclass(frozen=True)
class Occasion:
    """What a form is opened for: where it was asked for, by whom (a user's id), about what; `given` is said already."""

    source: Source
    user: str
    incident_id: str = ""
    given: Mapping[str, Any] | None = None


def form(playbook: Playbook, catalog: Catalog, occasion: Occasion) -> Json:
    """Give the modal of a verb."""
    given = occasion.given or {}
    asked = questions(playbook, catalog, given)
    title, source = playbook.form or playbook.name.capitalize(), occasion.source
    came = {"c": source.channel, "n": source.channel_name, "r": source.response_url, "t": source.team}
    hidden = {name: value for name, value in given.items() if name not in {each.name for each in asked} and value}
    about = f" ({occasion.incident_id})" if occasion.incident_id else ""
    return {
        "type": "modal",
        "callback_id": PREFIX + playbook.name,
        "title": _plain(title[:_TITLE]),
        "submit": _plain(title[:_TITLE]),
        "close": _plain("Not now"),
        "private_metadata": json.dumps({**came, "i": occasion.incident_id, "g": hidden}),
        "blocks": [
            {"type": "context", "elements": [_plain(f"{playbook.summary}{about}")]},
            *_inputs(asked, occasion.user),
        ],
    }


def filled(view: Mapping[str, Any], via: str) -> Filled:
    """Read a submitted modal."""
    came = json.loads(view.get("private_metadata") or "{}")
    params = dict(came.get("g") or {})
    for block in view["state"]["values"].values():
        for name, element in block.items():
            value = _value(element).strip()
            if value:
                params[name] = value
    source = Source(came.get("c", ""), came.get("n", ""), came.get("r", ""), via, came.get("t", ""))
    return Filled(str(view["callback_id"]).removeprefix(PREFIX), params, source, came.get("i", ""))


def refusal(view: Mapping[str, Any], flaws: Mapping[str, str]) -> Json:
    """Give the acknowledgement that keeps a modal open: each flaw under its field, under the first what has none."""
    fields = [str(block["block_id"]) for block in view["blocks"] if block["type"] == "input"]
    errors: dict[str, str] = {}
    for param, said in flaws.items():
        errors.setdefault(param if param in fields else fields[0], said[:300])
    return {"response_action": "errors", "errors": errors}


def _value(element: Mapping[str, Any]) -> str:
    """Give what one field holds, as it would be typed."""
    if element.get("selected_user"):
        return f"<@{element['selected_user']}>"
    chosen = element.get("selected_option") or next(iter(element.get("selected_options") or ()), None) or {}
    return str(chosen.get("value") or element.get("selected_date") or element.get("value") or "")


def _inputs(asked: tuple[Question, ...], user: str) -> list[Json]:
    made = [_input(question, user) for question in asked]
    first = next((each["element"] for each in made if each["element"]["type"] == "plain_text_input"), None)
    if first is not None:
        first["focus_on_load"] = True
    return made


def _input(question: Question, user: str) -> Json:
    element = _DRAWN.get(question.ask, _line)(question, user)
    return {
        "type": "input",
        "block_id": question.name,
        "label": _plain(question.label),
        "element": {**element, "action_id": question.name},
        "optional": not question.required,
    }


def _line(question: Question, _: str) -> Json:
    made: Json = {"type": "plain_text_input", "max_length": _LINE_LENGTH, **_hinted(question)}
    return made | ({"initial_value": question.initial[:_LINE_LENGTH]} if question.initial else {})


def _text(question: Question, _: str) -> Json:
    made: Json = {"type": "plain_text_input", "multiline": True, "max_length": _TEXT_LENGTH, **_hinted(question)}
    return made | ({"initial_value": question.initial[:_TEXT_LENGTH]} if question.initial else {})


def _choice(question: Question, user: str) -> Json:
    options = [_option(each, each) for each in question.choices if len(each) <= _OPTION]
    if not 0 < len(options) <= _OPTIONS:
        return _line(question, user)
    chosen = next((option for option in options if option["value"] == question.initial), None)
    made: Json = {"type": "static_select", "options": options, **_hinted(question)}
    return made | ({"initial_option": chosen} if chosen else {})


def _person(question: Question, user: str) -> Json:
    named = _MENTION.fullmatch(question.initial)
    initial = user if question.initial == "me" else named[1] if named else ""
    return {"type": "users_select", **({"initial_user": initial} if initial else {})}


def _day(question: Question, _: str) -> Json:
    initial = re.fullmatch(r"\d{4}-\d{2}-\d{2}", question.initial)
    return {"type": "datepicker", **({"initial_date": initial[0]} if initial else {})}


def _yes(question: Question, _: str) -> Json:
    option = _option((question.hint or question.label)[:_OPTION], "yes")
    return {"type": "checkboxes", "options": [option], **({"initial_options": [option]} if question.initial else {})}


_DRAWN: Mapping[Ask, Callable[[Question, str], Json]] = {
    Ask.TEXT: _text,
    Ask.CHOICE: _choice,
    Ask.PERSON: _person,
    Ask.DAY: _day,
    Ask.YES: _yes,
}


def _hinted(question: Question) -> Json:
    return {"placeholder": _plain(question.hint[:_HINT])} if question.hint else {}


def _option(text: str, value: str) -> Json:
    return {"text": _plain(text), "value": value}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}
