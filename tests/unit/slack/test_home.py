"""The Home tab keeps Slack's limits whatever is open, and its buttons say what they mean."""

import json
from dataclasses import replace
from datetime import timedelta

from slack_sdk.models.views import View

from bot.adapters.slack.blocks import Around
from bot.adapters.slack.home import home
from bot.domain.actions import ActionItem
from bot.domain.mine import Mine
from tests.unit.domain.test_mine import ADA, ASKED, LED, NOW, OPEN

AROUND = Around("http://page")


def test_nothing_open_is_said() -> None:
    text = json.dumps(home(Mine(), (), AROUND))
    assert all(said in text for said in ("No incident is open.", "Nothing waits for you.", "All is well."))


def test_the_worst_case_fits() -> None:
    incidents = tuple(replace(OPEN, id=f"INC-{n}", title="<x" * 300, channel=f"C{n}") for n in range(60))
    asked = replace(ASKED, measured={f"Measure {n}": "9 " * 400 for n in range(20)})
    items = tuple(ActionItem("INC-1", n, "&" * 3_000, ADA) for n in range(60))
    view = home(
        Mine(incidents, tuple((each, asked) for each in incidents), incidents, incidents, items), ["x"] * 40, AROUND
    )
    assert len(view["blocks"]) <= 100
    View(**view).validate_json()
    for block in view["blocks"]:
        if block["type"] == "section":
            assert len(block["text"]["text"]) <= 3_000
    assert "And 30 more: `/incident list`." in json.dumps(view)


def test_buttons_carry_their_words() -> None:
    promised = replace(LED, next_update_at=NOW - timedelta(minutes=1))
    view = home(
        Mine((OPEN,), ((OPEN, ASKED),), (promised,), (OPEN,), (ActionItem("INC-9", 4, "tidy", ADA),)), (), AROUND
    )
    buttons = [block["accessory"] for block in view["blocks"] if "accessory" in block]
    buttons += [each for block in view["blocks"] if block["type"] == "actions" for each in block["elements"]]
    words = [json.loads(each["value"])["do"] for each in buttons if "value" in each]
    assert words == [
        "role commander me incident=INC-1",
        "update incident=INC-1",
        "action done=4 incident=INC-9",
        "approve incident=INC-1 run=r1 plan=ab",
        "refuse incident=INC-1 run=r1 plan=ab",
        "start",
    ]
    assert all(each["action_id"].startswith("ff:") for each in buttons if "value" in each)
