"""Whoever presses Approve has seen all that they agree to, wherever in Slack it is asked."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.slack.blocks import WHOLE, Around, Json, Message, answer, approval, named
from bot.adapters.slack.home import home
from bot.adapters.slack.posts import pending
from bot.domain.approval import Request
from bot.domain.mine import Mine
from bot.domain.run import Choice, Reply
from bot.domain.timeline import Kind, Person, to_us
from tests.fakes import NOON
from tests.unit.slack.drawn import AROUND, assert_slack_takes, buttons, card, entry, nasty, simple, texts

BEN = Person("U0BEN0002", "ben")
ARTIFACT = f"sha256:{'a' * 64}"
REASONS = (
    "open incident: INC-1, a SEV1, is open",
    "unsigned: no signature of sha256:aaaaaaaaaaaa was sent",
    "no provenance: nothing that was sent says how sha256:aaaaaaaaaaaa was built",
    "forbidden component: org.apache.logging.log4j/log4j-core 2.14.1 is in it, where only 2.17.1 and later may be",
)
DENIED = f"checkout v1.2.3, {ARTIFACT}, was denied at 2026-03-01 11:00 UTC: {'; '.join(REASONS)}."
ASKED = Request(
    "r1",
    "override",
    {"service": "checkout", "release": "v1.2.3", "reason": "it is the fix"},
    ("Let it through",),
    {"Why it was denied": DENIED},
    "ab" * 32,
    BEN,
    NOON,
    NOON + timedelta(minutes=10),
)
LONG = replace(ASKED, measured={"Why it was denied": "; ".join(f"{n}: <{'x' * 150}>" for n in range(60))})
PAGE = "http://pages/approvals/r1"


def posted(asked: Request) -> Message:
    """Give the message of its own that asks in an incident's channel."""
    body: dict[str, Any] = {"run": asked.run_id, "playbook": asked.playbook, "params": dict(asked.params)}
    body |= {"steps": list(asked.will), "measured": dict(asked.measured), "plan": asked.plan}
    body |= {"person": asked.requester.id, "name": asked.requester.name, "expires_at": to_us(asked.expires_at)}
    [post] = pending([entry(1, Kind.APPROVAL_ASKED, **body)], 0, AROUND)
    return post.message


def on_home(asked: Request) -> Message:
    return Message("home", named(approval("INC-7", asked, AROUND)))


def urls(message: Message) -> list[str]:
    elements = [element for block in message.blocks for element in block.get("elements", ())]
    return [element["url"] for element in elements if "url" in element]


def said(blocks: list[Json] | tuple[Json, ...]) -> str:
    return " ".join(texts(list(blocks)))


@pytest.mark.parametrize("drawn", [posted, on_home, lambda asked: card(simple(waiting=(asked,)))])
def test_where_approve_is_pressed_all_that_is_agreed_to_stands(drawn: Any) -> None:
    message = drawn(ASKED)
    assert buttons(message)[:2] == ["Approve", "Refuse"]
    for each in (*REASONS, ARTIFACT, "it is the fix", "let it through"):
        assert each in said(message.blocks)
    assert PAGE not in urls(message)


@pytest.mark.parametrize("drawn", [posted, on_home, lambda asked: card(simple(waiting=(asked,)))])
def test_what_does_not_fit_is_read_and_approved_on_its_page(drawn: Any) -> None:
    message = drawn(LONG)
    assert_slack_takes(message)
    assert buttons(message)[:2] == ["See all of it", "Refuse"]
    assert "Approve" not in buttons(message)
    assert PAGE in urls(message)
    assert f"`/incident approve run=r1 plan={'ab' * 6}`" in said(message.blocks)


def test_a_message_of_its_own_has_room_for_more_than_a_card() -> None:
    many = replace(ASKED, measured={f"Measure {n}": f"{n} {'9' * 300}" for n in range(9)})
    assert "Approve" not in buttons(card(simple(waiting=(many,))))
    message = posted(many)
    assert buttons(message) == ["Approve", "Refuse"]
    assert all(f"Measure {n}: {n} {'9' * 300}" in " ".join(texts(message.blocks)) for n in range(9))
    assert_slack_takes(message)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(nasty, nasty, max_size=7), st.lists(nasty, max_size=3).map(tuple), nasty)
def test_slack_takes_it_whatever_is_asked(measured: dict[str, str], will: tuple[str, ...], reason: str) -> None:
    asked = replace(ASKED, measured=measured, will=will, params={"reason": reason})
    message = posted(asked)
    assert_slack_takes(message)
    assert all(len(text) <= 3_000 for text in texts(message.blocks))
    assert sum(map(len, texts(message.blocks))) <= WHOLE


def test_an_answer_that_is_cut_is_read_on_its_page_before_anything_is_chosen() -> None:
    choices = (Choice("Approve", "approve run=r1"), Choice("Refuse", "refuse run=r1"))
    short, long = (answer(Reply(text, choices, page="/approvals/r1"), AROUND) for text in (DENIED, DENIED * 30))
    assert buttons(short) == ["See it", "Approve", "Refuse"]
    assert (buttons(long), urls(long)) == (["See it"], [PAGE])
    assert_slack_takes(long)


def test_the_home_tab_of_somebody_with_much_to_approve_fits() -> None:
    view = home(Mine((), tuple((simple(), each) for each in [LONG, ASKED] * 4)), (), Around("http://pages/"))
    assert json.dumps(view).count('"text": "Approve"') == 2 * 4  # each button, and the question that confirms it
