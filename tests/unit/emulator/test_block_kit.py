from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from bot.emulator.accepted import accepted_blocks
from bot.emulator.block_kit.blocks import blocks_problems, view_problems
from bot.emulator.errors import SlackError
from bot.emulator.identifiers import Identifiers

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(**fields: Any) -> Json:
    return {"type": "button", "text": plain("Go"), **fields}


def option(value: str) -> Json:
    return {"text": plain(value), "value": value}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


GOOD: list[Json] = [
    {"type": "header", "text": plain("h" * 150)},
    {"type": "section", "text": mrkdwn("x" * 3000), "accessory": button(style="danger")},
    {"type": "section", "fields": [mrkdwn("f" * 2000)] * 10},
    {"type": "context", "elements": [mrkdwn("c"), {"type": "image", "image_url": "https://x/y.png", "alt_text": "y"}]},
    {"type": "divider"},
    actions(button(action_id="a", value="v" * 2000), {"type": "users_select"}, {"type": "datepicker"}),
    actions({"type": "overflow", "options": [option(str(n)) for n in range(5)]}),
    actions({"type": "static_select", "options": [option("1")], "initial_option": option("1")}),
    {"type": "markdown", "text": "# title"},
    {"type": "input", "label": plain("L"), "element": {"type": "plain_text_input", "multiline": True}},
    {"type": "table", "rows": [[{"type": "raw_text", "text": "cell"}]]},
    {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "x", "style": {"bold": True}}]}
        ],
    },
]


@pytest.mark.parametrize("block", GOOD, ids=lambda block: block["type"])
def test_good_blocks_pass_here_and_in_slacks_models(block: Json) -> None:
    assert blocks_problems([block]) == []
    if block["type"] != "table":
        for parsed in Block.parse_all([block]):
            parsed.validate_json()


BAD: list[tuple[Json, str]] = [
    (
        {"type": "header", "text": plain("h" * 151)},
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    ({"type": "header", "text": mrkdwn("h")}, "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"),
    (
        {"type": "section", "text": mrkdwn("x" * 3001)},
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ),
    ({"type": "section", "text": mrkdwn("")}, "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ({"type": "section"}, "missing required field: text or fields [json-pointer:/blocks/0]"),
    (
        {"type": "section", "fields": [mrkdwn("x")] * 11},
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    (
        {"type": "section", "fields": [mrkdwn("x" * 2001)]},
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ),
    (actions(*[button()] * 26), "no more than 25 items allowed [json-pointer:/blocks/0/elements]"),
    (
        actions(button(text=plain("x" * 76))),
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    (actions(button(style="warning")), "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]"),
    (actions(button(colour="red")), "invalid additional property: colour [json-pointer:/blocks/0/elements/0]"),
    (
        actions({"type": "overflow", "options": [option(str(n)) for n in range(6)]}),
        "no more than 5 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        actions({"type": "static_select", "options": [option("1")], "initial_option": option("2")}),
        "must exactly match one of the provided options [json-pointer:/blocks/0/elements/0/initial_option]",
    ),
    (
        actions({"type": "plain_text_input"}),
        "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
    ),
    (
        {"type": "context", "elements": [mrkdwn("x")] * 11},
        "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ),
    ({"type": "carousel"}, "unsupported type: carousel [json-pointer:/blocks/0/type]"),
    ({"type": "divider", "block_id": "x" * 256}, "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
    ({"type": "markdown", "text": "x" * 12_001}, "must be less than 12001 characters [json-pointer:/blocks/0/text]"),
]


@pytest.mark.parametrize(("block", "message"), BAD, ids=[message.split(" [")[0] for _, message in BAD])
def test_bad_blocks_are_refused_in_slacks_words(block: Json, message: str) -> None:
    assert [problem.line("/blocks") for problem in blocks_problems([block])] == [message]


def test_fifty_blocks_are_the_most() -> None:
    assert blocks_problems([{"type": "divider"}] * 50) == []
    assert blocks_problems([{"type": "divider"}] * 51)[0].line("/blocks").startswith("no more than 50 items allowed")


def test_ids_are_not_repeated() -> None:
    twice = [{"type": "divider", "block_id": "x"}] * 2
    assert "`block_id` already exists: x" in blocks_problems(twice)[0].message
    assert (
        "`action_id` already exists"
        in blocks_problems([actions(button(action_id="a"), button(action_id="a"))])[0].message
    )


def test_long_messages_hit_the_undocumented_cap() -> None:
    blocks = [{"type": "section", "text": mrkdwn("x" * 2900)} for _ in range(5)]
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        accepted_blocks(blocks, Identifiers())


def test_the_error_has_both_shapes() -> None:
    with pytest.raises(SlackError) as refused:
        accepted_blocks([actions(*[button()] * 26)], Identifiers())
    line = "no more than 25 items allowed [json-pointer:/blocks/0/elements]"
    assert refused.value.body() == {
        "ok": False,
        "error": "invalid_blocks",
        "errors": [line],
        "response_metadata": {"messages": [f"[ERROR] {line}"]},
    }


def test_missing_ids_are_given() -> None:
    [block] = accepted_blocks([actions(button())], Identifiers())
    assert block["block_id"]
    assert block["elements"][0]["action_id"]


def modal(**fields: Any) -> Json:
    return {"type": "modal", "title": plain("T"), "blocks": [{"type": "divider"}], **fields}


def test_a_modal_passes() -> None:
    assert view_problems(modal(submit=plain("Go"), private_metadata="x" * 3000)) == []


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(blocks=[{"type": "divider"}] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal(blocks=[GOOD[8]]), "unsupported type: markdown [json-pointer:/view/blocks/0/type]"),
        (
            modal(blocks=[GOOD[9]]),
            "missing required field: submit (blocks contain an input) [json-pointer:/view]",
        ),
        ({"type": "home"}, "missing required field: blocks [json-pointer:/view]"),
        (None, "must be an object [json-pointer:/view]"),
    ],
)
def test_bad_views_are_refused(view: Any, message: str) -> None:
    assert [problem.line("/view") for problem in view_problems(view)] == [message]
