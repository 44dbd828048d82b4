"""Slack's limits as one table, and what exceeds them."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.oracles.sent import Json, Sent

_BLOCKS = "docs.slack.dev/reference/block-kit/blocks"
_ELEMENTS = "docs.slack.dev/reference/block-kit/block-elements"
_OBJECTS = "docs.slack.dev/reference/block-kit/composition-objects"
_METHODS = "docs.slack.dev/reference/methods"


class Limit(NamedTuple):
    """So many characters, or entries of a list, may be at a path of an object of a type. `least`: no fewer."""

    of: str
    path: str
    most: int
    source: str
    least: int = 0


LIMITS = (
    Limit("message", "text", 4_000, f"{_METHODS}/chat.postMessage", 1),
    Limit("message", "blocks", 50, "docs.slack.dev/reference/block-kit/blocks", 1),
    Limit("view", "blocks", 100, "docs.slack.dev/reference/views", 1),
    Limit("view", "title.text", 24, "docs.slack.dev/reference/views/modal-views", 1),
    Limit("view", "submit.text", 24, "docs.slack.dev/reference/views/modal-views", 1),
    Limit("view", "close.text", 24, "docs.slack.dev/reference/views/modal-views", 1),
    Limit("view", "private_metadata", 3_000, "docs.slack.dev/reference/views/modal-views"),
    Limit("view", "callback_id", 255, "docs.slack.dev/reference/views/modal-views"),
    Limit("conversations.create", "name", 80, f"{_METHODS}/conversations.create", 1),
    Limit("conversations.rename", "name", 80, f"{_METHODS}/conversations.rename", 1),
    Limit("conversations.setTopic", "topic", 250, f"{_METHODS}/conversations.setTopic"),
    Limit("conversations.setPurpose", "purpose", 250, f"{_METHODS}/conversations.setPurpose"),
    Limit("files.completeUploadExternal", "initial_comment", 4_000, f"{_METHODS}/files.completeUploadExternal", 1),
    Limit("block", "block_id", 255, _BLOCKS, 1),
    Limit("block", "action_id", 255, _ELEMENTS, 1),
    Limit("plain_text", "text", 3_000, f"{_OBJECTS}/text-object", 1),
    Limit("mrkdwn", "text", 3_000, f"{_OBJECTS}/text-object", 1),
    Limit("header", "text.text", 150, f"{_BLOCKS}/header-block", 1),
    Limit("section", "text.text", 3_000, f"{_BLOCKS}/section-block", 1),
    Limit("section", "fields", 10, f"{_BLOCKS}/section-block", 1),
    Limit("section", "fields[].text", 2_000, f"{_BLOCKS}/section-block", 1),
    Limit("context", "elements", 10, f"{_BLOCKS}/context-block", 1),
    Limit("actions", "elements", 25, f"{_BLOCKS}/actions-block", 1),
    Limit("input", "label.text", 2_000, f"{_BLOCKS}/input-block", 1),
    Limit("input", "hint.text", 2_000, f"{_BLOCKS}/input-block", 1),
    Limit("image", "alt_text", 2_000, f"{_BLOCKS}/image-block", 1),
    Limit("image", "title.text", 2_000, f"{_BLOCKS}/image-block", 1),
    Limit("markdown", "text", 12_000, f"{_BLOCKS}/markdown-block", 1),
    Limit("button", "text.text", 75, f"{_ELEMENTS}/button-element", 1),
    Limit("button", "value", 2_000, f"{_ELEMENTS}/button-element"),
    Limit("button", "url", 3_000, f"{_ELEMENTS}/button-element", 1),
    Limit("button", "accessibility_label", 75, f"{_ELEMENTS}/button-element", 1),
    Limit("static_select", "options", 100, f"{_ELEMENTS}/select-menu-element", 1),
    Limit("multi_static_select", "options", 100, f"{_ELEMENTS}/multi-select-menu-element", 1),
    Limit("overflow", "options", 5, f"{_ELEMENTS}/overflow-menu-element", 1),
    Limit("radio_buttons", "options", 10, f"{_ELEMENTS}/radio-button-group-element", 1),
    Limit("checkboxes", "options", 10, f"{_ELEMENTS}/checkboxes-element", 1),
    Limit("block", "placeholder.text", 150, _ELEMENTS, 1),
    Limit("plain_text_input", "max_length", 3_000, f"{_ELEMENTS}/plain-text-input-element", 1),
    Limit("option", "text.text", 75, f"{_OBJECTS}/option-object", 1),
    Limit("option", "value", 150, f"{_OBJECTS}/option-object", 1),
    Limit("option", "description.text", 75, f"{_OBJECTS}/option-object", 1),
    Limit("confirm", "title.text", 100, f"{_OBJECTS}/confirmation-dialog-object", 1),
    Limit("confirm", "text.text", 300, f"{_OBJECTS}/confirmation-dialog-object", 1),
    Limit("confirm", "confirm.text", 30, f"{_OBJECTS}/confirmation-dialog-object", 1),
    Limit("confirm", "deny.text", 30, f"{_OBJECTS}/confirmation-dialog-object", 1),
)
ALL_TEXT = 10_900
"""Over all blocks of a message: undocumented; slackapi/bolt-js#2867 was refused at 11,341 (msg_blocks_too_long)."""


def flaws(one: Sent) -> list[str]:
    """Say what of a thing exceeds a limit, or is empty where Slack wants something."""
    of = one.how if one.kind == "label" else one.kind
    found = list(_of_object(of, one.body))
    for kind, thing in _objects(one.body):
        found += [*_of_object("block", thing), *_of_object(kind, thing)]
    if one.kind == "message":
        found += ["message.text: there must be one, for notifications"] * ("text" not in one.body)
        total = sum(len(text) for text in _texts(one.body.get("blocks", ())))
        found += [f"message.blocks: {total} characters in all, at most {ALL_TEXT}"] * (total > ALL_TEXT)
    found += _twice("block_id", one.body) + _twice("action_id", one.body)
    return found


def _of_object(of: str, thing: Mapping[str, Any]) -> Iterator[str]:
    for limit in LIMITS:
        if limit.of == of:
            for value in _at(thing, limit.path.split(".")):
                size = value if isinstance(value, int) else len(value)
                if not limit.least <= size <= limit.most:
                    yield f"{of}.{limit.path}: {size}, must be {limit.least} to {limit.most} ({limit.source})"


def _at(thing: Any, path: list[str]) -> Iterator[Any]:
    """Give what is at a path; `name[]` goes into every entry of a list."""
    if not path:
        yield thing
        return
    name, each = path[0].removesuffix("[]"), path[0].endswith("[]")
    if isinstance(thing, Mapping) and name in thing:
        for inner in thing[name] if each else [thing[name]]:
            yield from _at(inner, path[1:])


def _objects(value: Any) -> Iterator[tuple[str, Json]]:
    """Give every object inside, with its type; options and confirmations have none of their own."""
    if isinstance(value, list):
        for inner in value:
            yield from _objects(inner)
    elif isinstance(value, dict):
        yield _type_of(value), value
        for inner in value.values():
            yield from _objects(inner)


def _type_of(thing: Json) -> str:
    if "type" in thing:
        return str(thing["type"])
    if "confirm" in thing and "title" in thing:
        return "confirm"
    return "option" if "value" in thing and "text" in thing else ""


def _texts(value: Any) -> Iterator[str]:
    for _, thing in _objects(value):
        if isinstance(thing.get("text"), str):
            yield thing["text"]


def _twice(key: str, body: Json) -> list[str]:
    names = [thing[key] for _, thing in _objects(body) if key in thing]
    return [f"{key} {name!r} is there twice" for name in sorted({name for name in names if names.count(name) > 1})]
