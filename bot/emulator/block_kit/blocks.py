"""Blocks, messages and views as wholes. Limits: docs.slack.dev/reference/block-kit/blocks."""

from collections.abc import Iterator
from typing import Any

from bot.emulator.block_kit.elements import (
    ELEMENTS,
    IMAGE,
    IN_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    plain,
    text,
)
from bot.emulator.block_kit.rich_text import COLUMN, RAW_TEXT, RICH_TEXT
from bot.emulator.block_kit.rules import Problem, Problems, Rule, boolean, many, only, shape, string, typed, word

BLOCK_ID = 255
HEADER = 150
SECTION_TEXT = 3000
FIELDS, FIELD_TEXT = 10, 2000
ACTIONS = 25
CONTEXT = 10
MARKDOWN = 12_000
LABEL = 2000
TABLE_ROWS, TABLE_COLUMNS = 100, 20
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
VIEW_TITLE = 24
CALLBACK_ID = 255
PRIVATE_METADATA = 3000
# Undocumented: others saw messages refused at 11,341 characters (bolt-js 2867) and at 13,172 (bolt-js 2509). Below the
# least of them, so that what passes here passes there.
MESSAGE_TEXT_IN_ALL_BLOCKS = 10_900

_ID = {"block_id": string(BLOCK_ID)}


def _section_says_something(value: dict[str, Any], pointer: str, problems: Problems) -> None:
    if "text" not in value and "fields" not in value:
        problems.append(Problem(pointer, "missing required field: text or fields", "required", "text"))


def _image_has_a_source(value: dict[str, Any], pointer: str, problems: Problems) -> None:
    if "image_url" not in value and "slack_file" not in value:
        problems.append(Problem(pointer, "missing required field: image_url", "required", "image_url"))


_IN_CONTEXT = typed(
    {
        "image": IMAGE,
        "plain_text": shape({"text": string(SECTION_TEXT)}, {"emoji": boolean}),
        "mrkdwn": shape({"text": string(SECTION_TEXT)}, {"verbatim": boolean}),
    }
)
_CELL = typed({"raw_text": RAW_TEXT, "rich_text": RICH_TEXT})

BLOCKS: dict[str, Rule] = {
    "actions": shape({"elements": many(only(ELEMENTS, IN_ACTIONS), ACTIONS)}, _ID),
    "context": shape({"elements": many(_IN_CONTEXT, CONTEXT)}, _ID),
    "divider": shape({}, _ID),
    "file": shape({"external_id": string(BLOCK_ID), "source": word("remote")}, _ID),
    "header": shape({"text": plain(HEADER)}, _ID),
    "image": shape(
        {"alt_text": string(2000)},
        {**_ID, "image_url": string(3000), "slack_file": shape({}, {"id": string(255), "url": string(3000)}),
         "title": plain(2000)},
        _image_has_a_source,
    ),
    "input": shape(
        {"label": plain(LABEL), "element": only(ELEMENTS, IN_INPUT)},
        {**_ID, "hint": plain(LABEL), "optional": boolean, "dispatch_action": boolean},
    ),
    "markdown": shape({"text": string(MARKDOWN)}, _ID),
    "rich_text": RICH_TEXT,
    "section": shape(
        {},
        {
            **_ID,
            "text": text(SECTION_TEXT),
            "fields": many(text(FIELD_TEXT), FIELDS),
            "accessory": only(ELEMENTS, IN_SECTION),
            "expand": boolean,
        },
        _section_says_something,
    ),
    "table": shape(
        {"rows": many(many(_CELL, TABLE_COLUMNS), TABLE_ROWS)},
        {**_ID, "column_settings": many(COLUMN, TABLE_COLUMNS, 0)},
    ),
}  # fmt: skip
ONLY_IN_MESSAGES = frozenset({"file", "markdown", "table"})
BLOCK = typed(BLOCKS)
VIEW_BLOCK = typed({name: rule for name, rule in BLOCKS.items() if name not in ONLY_IN_MESSAGES})

_VIEW = {
    "blocks": many(VIEW_BLOCK, VIEW_BLOCKS),
}
_VIEW_OPTIONS = {
    "private_metadata": string(PRIVATE_METADATA, 0),
    "callback_id": string(CALLBACK_ID, 0),
    "external_id": string(CALLBACK_ID, 0),
}


def _inputs_need_submit(value: dict[str, Any], pointer: str, problems: Problems) -> None:
    blocks = value.get("blocks")
    kinds = {block.get("type") for block in blocks if isinstance(block, dict)} if isinstance(blocks, list) else set()
    if "input" in kinds and "submit" not in value:
        message = "missing required field: submit (blocks contain an input)"
        problems.append(Problem(pointer, message, "required", "submit"))


VIEW: Rule = typed(
    {
        "modal": shape(
            {**_VIEW, "title": plain(VIEW_TITLE)},
            {
                **_VIEW_OPTIONS,
                "submit": plain(VIEW_TITLE),
                "close": plain(VIEW_TITLE),
                "clear_on_close": boolean,
                "notify_on_close": boolean,
                "submit_disabled": boolean,
            },
            _inputs_need_submit,
        ),
        "home": shape(_VIEW, _VIEW_OPTIONS),
    }
)


def blocks_problems(blocks: Any) -> Problems:
    """List what Slack refuses in the blocks of a message."""
    problems: Problems = []
    many(BLOCK, MESSAGE_BLOCKS, 0)(blocks, "", problems)
    if problems:
        return problems
    problems += _repeated(blocks, "")
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > MARKDOWN:
        problems.append(Problem("", f"markdown must be less than {MARKDOWN + 1} characters", "max_length", MARKDOWN))
    tables = [index for index, block in enumerate(blocks) if block["type"] == "table"]
    problems += [Problem(f"/{index}", "only one table block allowed", "max_items", 1) for index in tables[1:]]
    return problems


def view_problems(view: Any) -> Problems:
    """List what Slack refuses in a view."""
    problems: Problems = []
    VIEW(view, "", problems)
    return problems or _repeated(view["blocks"], "/blocks")


def _repeated(blocks: list[dict[str, Any]], pointer: str) -> Problems:
    problems: Problems = []
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id in seen:
            where = f"{pointer}/{index}/block_id"
            problems.append(Problem(where, f"`block_id` already exists: {block_id}", "unique", block_id))
        elif block_id:
            seen.add(block_id)
        actions = [element["action_id"] for element in interactive_elements(block) if "action_id" in element]
        if len(actions) != len(set(actions)):
            where = f"{pointer}/{index}/elements"
            problems.append(Problem(where, "`action_id` already exists in this block", "unique", "action_id"))
    return problems


def interactive_elements(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk over the elements of a block a person can use."""
    candidates = [block.get("accessory"), block.get("element")]
    if block["type"] == "actions":
        candidates += block["elements"]
    for element in candidates:
        if isinstance(element, dict) and element.get("type") != "image":
            yield element


def text_length(blocks: list[dict[str, Any]]) -> int:
    """Count the characters that add up to msg_blocks_too_long."""
    total = 0
    stack: list[Any] = [blocks]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack += value
        elif isinstance(value, dict):
            total += sum(len(entry) for name, entry in value.items() if name == "text" and isinstance(entry, str))
            stack += [entry for entry in value.values() if not isinstance(entry, str)]
    return total
