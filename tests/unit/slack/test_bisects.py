"""A bisect is one message that is edited until it has told, and a line on the card when it blames somebody."""

from typing import Any

import pytest
from hypothesis import given, settings

from bot.adapters.slack.bisects import bisect_message, culprit_line
from bot.adapters.slack.blocks import Message
from bot.adapters.slack.painting import BISECT_GAP
from bot.adapters.slack.posts import Post, pending
from bot.adapters.slack.reconciler import Reconciler
from bot.domain.incident import Incident, Status, fold
from bot.domain.timeline import Entry, Kind
from tests.bisecting.entries import COMMIT, LOG, bisected, bisecting
from tests.unit.slack.drawn import ADA, AROUND, assert_slack_takes, buttons, card, entry, nasty, shown, simple, texts
from tests.unit.slack.fake_slack import AFTER, BEFORE, LATE, World, settled
from tests.unit.slack.test_reconciler import channels, show

OPENED = entry(1, Kind.OPENED, title="checkout 5xx", severity="SEV2", service="checkout", warnings=[])


def story(*told: tuple[Kind, dict[str, Any]]) -> Incident:
    return fold([OPENED, *(entry(seq, kind, **body) for seq, (kind, body) in enumerate(told, 2))])


def drawn(*told: tuple[Kind, dict[str, Any]]) -> Message:
    incident = story(*told)
    [bisect] = incident.bisects
    return bisect_message(incident, bisect, AROUND)


def test_while_it_goes_on_it_is_three_short_lines() -> None:
    message = drawn((Kind.BISECTING, bisecting(40)), (Kind.BISECTING, bisecting()))
    [text] = texts(list(message.blocks))
    assert text.split("\n") == [
        "*Bisecting TestPay of ./payment*: 12 of 200 commits left, 9 test runs in 41 s.",
        "good `░░░····███` bad",
        "Last: 3f2a91c0ab bad",
    ]
    assert message.text == "Bisecting TestPay of ./payment: 12 of 200 commits left, 9 test runs in 41 s."


def test_a_culprit_ends_it_with_the_way_to_its_author_and_the_log() -> None:
    message = drawn((Kind.BISECTING, bisecting()), (Kind.BISECTED, bisected()), (Kind.RUN_ENDED, {"status": "done"}))
    assert "*Culprit 3f2a91c0ab* by Ben Osei, 99.6 % sure: Shorten the timeout\\n" in shown(message)
    assert buttons(message) == ["Invite author", "Open the log"]
    assert f"author commit={COMMIT} incident=INC-7" in shown(message)
    assert f"http://pages/artifacts/{LOG}?inline=1" in shown(message)


@pytest.mark.parametrize("kind", ["suspects", "flaky", "refuted", "undecided"])
def test_where_nobody_is_blamed_nobody_is_invited(kind: str) -> None:
    assert buttons(drawn((Kind.BISECTED, bisected(kind)))) == ["Open the log"]


def test_an_author_is_not_called_into_what_is_over_nor_one_without_an_address() -> None:
    told = (Kind.BISECTED, bisected())
    over = (Kind.STATUS_SET, {"status": Status.RESOLVED.value, "was": "open", "text": ""})
    assert buttons(drawn(told, over)) == ["Open the log"]
    [made] = bisected()["made"]
    assert buttons(drawn((Kind.BISECTED, bisected(made=[{**made, "email": ""}])))) == ["Open the log"]


def test_a_run_that_broke_off_says_why() -> None:
    message = drawn((Kind.BISECTING, bisecting()), (Kind.RUN_ENDED, {"reason": "The disk is full."}))
    assert list(texts(list(message.blocks))) == [
        "*The bisect of TestPay of ./payment has ended without an answer.*\nThe disk is full."
    ]


def test_the_card_has_one_line_for_whoever_did_it() -> None:
    line = "*Culprit 3f2a91c0ab* by Ben Osei, 99.6 % sure: Shorten the timeout"
    assert line in shown(card(story((Kind.BISECTED, bisected()))))
    assert culprit_line(story((Kind.BISECTING, bisecting()))) == ""
    assert culprit_line(story((Kind.BISECTED, bisected("flaky")))) == ""
    assert culprit_line(simple()) == ""


def test_a_later_answer_to_the_same_question_counts_and_one_to_another_does_not_take_the_culprit_away() -> None:
    other = {**bisected()["sought"], "what": "make check"}

    def of_run(run: str, seq: int, **facts: Any) -> Entry:
        told = entry(seq, Kind.BISECTED, **facts)
        return Entry(**{**told.__dict__, "run_id": run, "at_us": told.at_us + seq})

    culprit, flaky = of_run("r1", 2, **bisected()), of_run("r2", 3, **bisected("flaky", sought=other))
    assert culprit_line(fold([OPENED, culprit, flaky])).startswith("*Culprit")
    assert culprit_line(fold([OPENED, culprit, flaky, of_run("r3", 4, **bisected("flaky"))])) == ""


def test_whoever_is_called_is_told_why_in_one_line() -> None:
    why = "wrote 3f2a91c0ab, which broke TestPay of ./payment, 99.6 % sure: Shorten the timeout."
    joined = entry(2, Kind.JOINED, person="U0BEN0002", name="Ben", how="author", why=why)
    [post] = pending([OPENED, joined], 1, AROUND)
    assert isinstance(post, Post)
    assert not post.in_thread
    assert list(texts(list(post.message.blocks))) == [f"<@U0BEN0002> {why} {ADA.name} asks for help."]


@settings(max_examples=30, deadline=None)
@given(what=nasty, subject=nasty, author=nasty, why=nasty, path=nasty)
def test_slack_takes_whatever_stands_in_a_commit(what: str, subject: str, author: str, why: str, path: str) -> None:
    sought = {"what": what, "old": what, "new": subject, "find": "fix"}
    made: dict[str, Any] = {"commit": COMMIT, "author": author, "email": why, "at": "", "subject": subject}
    made |= {"files": [path] * 5, "changed": 9}
    for kind in ("culprit", "suspects", "flaky"):
        facts = bisected(kind, sought=sought, made=[made] * 5, why=why)
        assert_slack_takes(drawn((Kind.BISECTING, bisecting(sought=sought)), (Kind.BISECTED, facts)))
    assert_slack_takes(drawn((Kind.BISECTING, bisecting(sought=sought))))


def bisects(world: World) -> list[str]:
    [channel] = channels(world)
    return [m["text"] for m in channel["messages"] if m["text"].startswith(("Bisecting", "Culprit"))]


@pytest.mark.parametrize("mode", ["", BEFORE, AFTER, LATE])
async def test_it_stays_one_message_over_lost_answers_and_new_processes(mode: str) -> None:
    world = World()
    incident_id = await world.open()
    await show(world, incident_id)
    world.slack.faults = [("chat.postMessage", mode)] if mode else []
    await world.append(incident_id, Kind.BISECTING, "r1", **bisecting())
    await show(world, incident_id)
    assert bisects(world) == ["Bisecting TestPay of ./payment: 12 of 200 commits left, 9 test runs in 41 s."]
    world.slack.faults = [("chat.update", mode)] if mode else []
    await world.append(incident_id, Kind.BISECTING, "r1", **bisecting(3, 11))
    await show(world, incident_id)
    await world.append(incident_id, Kind.BISECTED, "r1", **bisected())
    await show(world, incident_id)
    assert bisects(world) == ["Culprit 3f2a91c0ab by Ben Osei, 99.6 % sure: Shorten the timeout"]
    assert not world.slack.faults


async def test_two_bisects_are_two_messages() -> None:
    world = World()
    incident_id = await world.open()
    for run in ("r1", "r2"):
        await world.append(incident_id, Kind.BISECTING, run, **bisecting())
    await show(world, incident_id)
    assert len(bisects(world)) == 2


async def test_edits_are_few_and_the_answer_waits_for_none_of_them() -> None:
    world = World()
    incident_id = await world.open()
    reconciler = Reconciler(world.studio)
    await reconciler.start()
    began = world.clock.at
    for left in range(40, 0, -1):
        await world.append(incident_id, Kind.BISECTING, "r1", **bisecting(left))
        reconciler.touch(incident_id)
        await settled(world.clock, lambda: world.clock.next() is not None or not reconciler.pending)
        world.clock.advance(0.25)
    shown_s = (world.clock.at - began).total_seconds()
    assert 1 < world.slack.called("chat.update") <= 1 + shown_s / BISECT_GAP.total_seconds()
    await world.append(incident_id, Kind.BISECTED, "r1", **bisected())
    reconciler.touch(incident_id)
    before = world.clock.at
    await settled(world.clock, lambda: bisects(world)[0].startswith("Culprit"))
    assert world.clock.at == before
    await reconciler.stop()
