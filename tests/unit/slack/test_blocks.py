"""Whatever people write, Slack takes the blocks and nobody is called by them."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.slack.blocks import answer
from bot.adapters.slack.posts import Post, pending
from bot.domain.incident import Incident
from bot.domain.run import Choice, Reply
from bot.domain.timeline import Kind
from tests.unit.slack.drawn import AROUND, assert_slack_takes, buttons, card, entry, incidents, nasty, shown, simple


@settings(max_examples=30, deadline=None)
@given(
    st.builds(
        Reply,
        text=nasty,
        choices=st.lists(st.builds(Choice, nasty, command=nasty), max_size=12).map(tuple),
        artifact=st.sampled_from(["", "a" * 64]),
    ),
    st.none() | incidents,
)
def test_an_answer_is_taken_by_slack(reply: Reply, incident: Incident | None) -> None:
    assert_slack_takes(answer(reply, AROUND, card(incident) if incident else None))


@settings(max_examples=30, deadline=None)
@given(nasty, nasty)
def test_posts_are_taken_by_slack(text: str, name: str) -> None:
    entries = [
        entry(0, Kind.OPENED, title=text, severity="SEV2"),
        entry(1, Kind.NOTE, text=text),
        entry(2, Kind.ROLE_SET, role="scribe", person="U1", name=name),
        entry(3, Kind.UPDATE, text=text),
        entry(4, Kind.FINDING, fault_class="gc-pressure", target=name, claim=text, evidence=[text], fix=text),
        entry(5, Kind.VERDICT, verdict=name, statement=text, artifact="a" * 64),
        entry(6, Kind.ESCALATED, reached=[], text=text),
        entry(7, Kind.ASKED, text=text, person="U0BEN0002"),
        entry(8, Kind.POSTMORTEM, artifact="b" * 64, name=name),
        entry(9, Kind.CHAT_FAILED, surface="invite:U1", reason=text),
        entry(10, Kind.ALERT_FIRED, group="k", count=3, firing=3, names=[text, name], link=""),
        entry(11, Kind.ALERT_RESOLVED, group="k", count=3, firing=0, names=[], link=""),
        entry(12, Kind.PAGE_ANSWERED, person=name, how=text),
    ]
    posts = pending(entries, 0, AROUND)
    assert [(post.first, post.upto) for post in posts] == [(n, n) for n in (1, 2, 3, 5, 6, 7, 8)] + [(9, 12)]
    for post in posts:
        assert_slack_takes(post.message)


def test_pressing_a_choice_says_what_it_offers() -> None:
    reply = Reply("Which?", (Choice("INC-3 slow", again="run1", incident_id="INC-3"), Choice("Start", "start now")))
    row = answer(reply, AROUND).blocks[1]
    assert [json.loads(element["value"]) for element in row["elements"]] == [
        {"again": "run1", "incident": "INC-3"},
        {"do": "start now"},
    ]


def test_a_choice_that_does_not_fit_is_left_out() -> None:
    assert len(answer(Reply("no", (Choice("long", "start " + "x" * 2_000),)), AROUND).blocks) == 1


def test_many_changes_become_one_reply() -> None:
    notes = [entry(seq, Kind.NOTE, text=f"note {seq}") for seq in range(1, 31)]
    posts: list[Post] = pending(notes, 2, AROUND)
    assert [(post.first, post.upto) for post in posts] == [(3, 30)]
    assert "8 more" in shown(posts[0].message)


def test_what_is_on_the_card_is_not_posted() -> None:
    entries = [
        entry(1, Kind.OPENED, title="x", severity="SEV2"),
        entry(2, Kind.STEP_STARTED, playbook="sop", step="a", title="A", budget_s=3),
        entry(3, Kind.MILESTONE, milestone="detected", at=1, source="x"),
        entry(4, Kind.CHAT_FAILED, surface="topic", reason="no"),
        entry(5, Kind.ARTIFACT, name="heap.pb.gz", sha256="a", bytes=1, what="heap"),
    ]
    assert pending(entries, 0, AROUND) == []


def test_a_verdict_comes_with_the_findings_of_its_run() -> None:
    finding: dict[str, Any] = {
        "fault_class": "gc-pressure",
        "target": "checkout-2",
        "claim": "GC takes 40 %",
        "evidence": [],
        "fix": "",
    }
    entries = [
        entry(1, Kind.FINDING, **finding),
        entry(2, Kind.FINDING, **{**finding, "claim": "heap grows", "fix": "bound it"}),
        entry(3, Kind.VERDICT, verdict="gc-pressure", statement="checkout-2 differs", artifact="a" * 64),
    ]
    message = pending(entries, 0, AROUND)[0].message
    assert "• checkout-2: GC takes 40 %" in shown(message)
    assert "• checkout-2: heap grows *Fix:* bound it" in shown(message)
    assert buttons(message) == ["Open the diagnosis"]


def test_a_verdict_with_a_picture_is_one_reply_with_one_link() -> None:
    facts = {"verdict": "deadlock", "target": "c-1", "statement": "c-1: two & more wait", "picture": "b" * 64}
    (post,) = pending([entry(4, Kind.VERDICT, **facts)], 0, AROUND)
    assert (post.file, post.file_name, post.in_thread) == ("b" * 64, "deadlock-c-1-4.png", True)
    assert post.comment.startswith("*Verdict: deadlock*\nc-1: two &amp; more wait\n<http")
    assert post.comment.endswith("/incidents/INC-7#diagnosis|Open the diagnosis>")
    assert post.comment.count("<http") == 1


def test_a_single_finding_is_not_said_twice() -> None:
    finding = {"fault_class": "deadlock", "target": "c-1", "claim": "two wait", "evidence": [], "fix": "lock in order"}
    verdict = entry(2, Kind.VERDICT, verdict="deadlock", statement="c-1: two wait", artifact="")
    text = shown(pending([entry(1, Kind.FINDING, **finding), verdict], 0, AROUND)[0].message)
    assert text.count("two wait") == 1
    assert "*Fix:* lock in order" in text


def test_an_answer_with_the_card_does_not_say_it_twice() -> None:
    drawn = answer(Reply("*INC-7* open", incident_id="INC-7"), AROUND, card(simple()))
    assert drawn.blocks == card(simple()).blocks
    assert drawn.text == "*INC-7* open"
