"""The modals: asked for only when nothing was typed, every field with a default."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.incident import Severity
from bot.domain.run import Source
from bot.domain.service import Catalog

Json = dict[str, Any]

PREFIX = "ff:"
_TITLE_LENGTH = 150
_TEXT_LENGTH = 3_000
_OPTIONS = 100
_OPTION = 75
_WORDS = {
    "note": ("Add a note", "Note", "What should be remembered?"),
    "update": ("Send an update", "Update", "Where do things stand?"),
}


@dataclass(frozen=True)
class Filled:
    """What a person put into a modal, and where they came from."""

    verb: str
    params: Mapping[str, str]
    source: Source
    incident_id: str


def form(verb: str, source: Source, incident_id: str, catalog: Catalog) -> Json:
    """Give the modal of a verb."""
    title, blocks = ("Start an incident", _start(catalog)) if verb == "start" else _words(verb)
    return {
        "type": "modal",
        "callback_id": PREFIX + verb,
        "title": _plain(title),
        "submit": _plain("Start" if verb == "start" else "Send"),
        "close": _plain("Cancel"),
        "private_metadata": json.dumps(
            {"c": source.channel, "n": source.channel_name, "r": source.response_url, "i": incident_id}
        ),
        "blocks": blocks,
    }


def filled(view: Mapping[str, Any], via: str) -> Filled:
    """Read a submitted modal."""
    came = json.loads(view.get("private_metadata") or "{}")
    params = {}
    for block in view["state"]["values"].values():
        for name, element in block.items():
            chosen = element.get("selected_option") or {}
            value = chosen.get("value") if chosen else element.get("value")
            if value:
                params[name] = str(value)
    source = Source(came.get("c", ""), came.get("n", ""), came.get("r", ""), via)
    return Filled(str(view["callback_id"]).removeprefix(PREFIX), params, source, came.get("i", ""))


def first_block(view: Mapping[str, Any]) -> str:
    """Give the id of the block under which an error can be shown."""
    return next(str(block["block_id"]) for block in view["blocks"] if block["type"] == "input")


def _start(catalog: Catalog) -> list[Json]:
    severities = [_option(severity.value, severity.value) for severity in Severity]
    chosen = next((o for o in severities if o["value"] == catalog.default_severity), severities[1])
    blocks = [
        _input("title", "What is wrong?", {"type": "plain_text_input", "max_length": _TITLE_LENGTH}, optional=True),
        _input("severity", "Severity", {"type": "static_select", "options": severities, "initial_option": chosen}),
    ]
    services = [_option(name, name) for name in catalog.names[:_OPTIONS] if len(name) <= _OPTION]
    if services:
        select = {"type": "static_select", "options": services}
        blocks.append(_input("service", "Service, if you know it", select, optional=True))
    return blocks


def _words(verb: str) -> tuple[str, list[Json]]:
    title, label, hint = _WORDS[verb]
    element = {
        "type": "plain_text_input",
        "multiline": True,
        "max_length": _TEXT_LENGTH,
        "placeholder": _plain(hint),
        "focus_on_load": True,
    }
    return title, [_input("text", label, element)]


def _input(name: str, label: str, element: Json, *, optional: bool = False) -> Json:
    return {
        "type": "input",
        "block_id": name,
        "label": _plain(label),
        "element": {**element, "action_id": name},
        "optional": optional,
    }


def _option(text: str, value: str) -> Json:
    return {"text": _plain(text), "value": value}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}
