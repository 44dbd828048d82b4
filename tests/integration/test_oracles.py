"""Each oracle takes what Slack takes and refuses what it is there for; one that refused nothing would prove nothing."""

import json
from typing import Any

import pytest

from tests.oracles import limits, models, schemas
from tests.oracles.limits import ALL_TEXT, LIMITS, Limit
from tests.oracles.sent import Sent, sent
from tests.oracles.verdict import verdict


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def message(*blocks: dict[str, Any], text: str = "hello") -> Sent:
    return Sent("api chat.postMessage", "message", {"text": text, "blocks": list(blocks)})


def modal(**more: Any) -> Sent:
    block = {"type": "input", "block_id": "b", "label": plain("Why"), "element": {"type": "plain_text_input"}}
    body = {"type": "modal", "callback_id": "x", "title": plain("Note"), "submit": plain("Go"), "blocks": [block]}
    return Sent("api views.open", "view", {**body, **more})


def button(**more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": [{"type": "button", "text": plain("Go"), "action_id": "a", **more}]}


SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*hi*"}}
GOOD = [message({"type": "header", "text": plain("hi")}, SECTION, button(style="primary", value="v")), modal()]
LONG = [
    message({"type": "header", "text": plain("x" * 151)}),
    message({"type": "section", "text": plain("x" * 3_001)}),
    message(button(text=plain("x" * 76))),
    message(button(value="x" * 2_001)),
    modal(title=plain("x" * 25)),
    modal(private_metadata="x" * 3_001),
]
WRONG = [
    message({"type": "header", "text": {"type": "mrkdwn", "text": "hi"}}),
    message({"type": "secion", "text": plain("hi")}),
    message({**SECTION, "colour": "red"}),
    message(button(style="warning")),
    message(button(value=7)),
    modal(titel=plain("hi")),
    modal(blocks=[{"type": "input", "element": {"type": "plain_text_input"}}]),
]


def test_what_slack_takes_passes_every_oracle() -> None:
    assert verdict(GOOD) == []


@pytest.mark.parametrize("bad", LONG)
def test_the_models_refuse_what_is_too_long(bad: Sent) -> None:
    assert models.flaws(bad)


def test_the_schemas_refuse_what_is_not_of_the_type() -> None:
    assert [bad for bad, found in zip(WRONG, schemas.flaws(WRONG), strict=True) if not found] == []
    assert verdict(WRONG)


def made(limit: Limit, size: int) -> Sent:
    """Make the thing that a limit is about, of a size."""
    *above, last = limit.path.split(".")
    lists = ("blocks", "fields", "elements", "options")
    value: Any = [{"type": "divider"}] * size if last in lists else size if last == "max_length" else "x" * size
    thing: Any = {last: value}
    for name in reversed(above):
        thing = {name.removesuffix("[]"): [thing] if name.endswith("[]") else thing}
    if limit.of in ("message", "view"):
        return Sent("x", "view" if limit.of == "view" else "message", {"text": "t", **thing})
    if "." in limit.of:
        return Sent(limit.of, "label", thing)
    shapes: dict[str, dict[str, Any]] = {
        "option": {"text": plain("t"), "value": "v"},
        "confirm": {"title": plain("t"), "confirm": plain("c")},
        "block": {"type": "any"},
    }
    shape = shapes.get(limit.of, {"type": limit.of})
    return Sent("x", "message", {"text": "t", "blocks": [{**shape, **thing}]})


@pytest.mark.parametrize("limit", LIMITS, ids=[f"{limit.of}.{limit.path}" for limit in LIMITS])
def test_every_limit_of_the_table_holds(limit: Limit) -> None:
    name = f"{limit.of}.{limit.path}: "
    sizes = (limit.most + 1, *([limit.least - 1] if limit.least else []))
    assert [size for size in sizes if not any(flaw.startswith(name) for flaw in limits.flaws(made(limit, size)))] == []
    assert not any(flaw.startswith(name) for flaw in limits.flaws(made(limit, limit.most)))


def test_what_no_single_object_shows_is_limited_too() -> None:
    sections = [{"type": "section", "text": plain("x" * 2_800)}] * 4
    assert limits.flaws(message(*sections)) == [f"message.blocks: 11200 characters in all, at most {ALL_TEXT}"]
    assert limits.flaws(message(button(), button())) == ["action_id 'a' is there twice"]
    assert limits.flaws(Sent("x", "message", {"blocks": [SECTION]})) == [
        "message.text: there must be one, for notifications"
    ]


def line(what: str, name: str, body: Any, answer: Any = None, direction: str = "from_app") -> dict[str, Any]:
    return {"direction": direction, "what": what, "name": name, "body": body, "answer": answer}


def test_whatever_way_it_went_the_transcript_gives_it() -> None:
    blocks, view = [SECTION], {"type": "modal", "blocks": []}
    lines = [
        line("api", "chat.update", {"channel": "C1", "text": "a", "blocks": json.dumps(blocks)}),
        line("api", "views.open", {"trigger_id": "1", "view": json.dumps(view)}),
        line("api", "views.publish", {"user_id": "U1", "view": view}),
        line("response_url", "", {"text": "b", "replace_original": False}),
        line("command", "/incident", {"text": "typed by a person"}, {"text": "c", "blocks": blocks}, "to_app"),
        line("interactive", "view_submission", {}, {"response_action": "update", "view": view}, "to_app"),
        line("api", "conversations.setTopic", {"channel": "C1", "topic": "SEV2"}),
        line("api", "auth.test", {}),
        line("event", "message", {"event": {"text": "heard", "blocks": blocks}}, {}, "to_app"),
    ]
    assert [(one.kind, one.body) for one in sent(lines)] == [
        ("message", {"text": "a", "blocks": blocks}),
        ("view", view),
        ("view", view),
        ("message", {"text": "b"}),
        ("message", {"text": "c", "blocks": blocks}),
        ("view", view),
        ("label", {"topic": "SEV2"}),
    ]
