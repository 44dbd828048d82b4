"""Whatever people write, Slack takes the blocks and nobody is called by them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bot.adapters.slack.blocks import Around, Message, answer, card
from bot.adapters.slack.posts import Post, pending
from bot.domain.incident import Incident, Phase, PhaseState, Role, Said, Severity, Status
from bot.domain.measures import Milestone
from bot.domain.run import Choice, Reply
from bot.domain.timeline import GENESIS, Draft, Entry, Kind, Person, canonical, to_us
from tests.fakes import NOON

AROUND = Around("http://pages/", ("checkout", "search"))
ADA = Person("U0ADA0001", "ada")
ALL_BLOCKS = 13_200

nasty = st.text(max_size=300) | st.sampled_from(
    [
        "<!channel> <!here> <!subteam^S1>",
        "&<>" * 1_000,
        "*_~`" * 50,
        "مرحبا \u202e evil",
        "x" * 4_000,
        "🔥" * 500,
        "\n\n",
        "",
    ]
)
people = st.builds(Person, st.sampled_from(["U0ADA0001", "cli:root"]), nasty)
phases = st.builds(
    Phase,
    name=st.sampled_from(["declare", "capture"]),
    title=nasty,
    budget_s=st.floats(0, 300),
    state=st.sampled_from(PhaseState),
    started_at=st.just(NOON),
    ended_at=st.sampled_from([None, NOON + timedelta(seconds=7)]),
    summary=nasty,
)
incidents = st.builds(
    Incident,
    id=st.just("INC-7"),
    title=nasty,
    severity=st.sampled_from(Severity),
    opened_at=st.just(NOON),
    reporter=people,
    status=st.sampled_from(Status),
    service=nasty,
    roles=st.dictionaries(st.sampled_from(Role), people),
    milestones=st.dictionaries(st.sampled_from(list(Milestone)), st.just(NOON + timedelta(minutes=4, seconds=12))),
    phases=st.lists(phases, max_size=9).map(tuple),
    verdict=nasty,
    statement=nasty,
    escalation=nasty,
    warnings=st.lists(nasty, max_size=5).map(tuple),
    last_update=st.none() | st.builds(Said, st.just(NOON), nasty, nasty),
)


def texts(value: Any) -> Iterable[str]:
    """Every string that Slack would read as mrkdwn."""
    if isinstance(value, Mapping):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)


def assert_slack_takes(message: Message) -> None:
    blocks = list(message.blocks)
    for parsed in Block.parse_all(json.loads(json.dumps(blocks))):
        parsed.validate_json()
    assert 0 < len(message.text) <= 4_000
    assert len(blocks) <= 50
    ids = [element["action_id"] for block in blocks for element in block.get("elements", ()) if "action_id" in element]
    assert len(ids) == len(set(ids))
    assert sum(len(text) for text in texts(blocks)) < ALL_BLOCKS
    for block in blocks:
        assert all(0 < len(field["text"]) <= 2_000 for field in block.get("fields", ()))
    for text in [message.text, *texts(blocks)]:
        assert "<!channel" not in text
        assert "<!here" not in text
        assert "<!subteam" not in text
        assert "\u202e" not in text


@settings(max_examples=30, deadline=None)
@given(incidents)
def test_a_card_is_taken_by_slack(incident: Incident) -> None:
    assert_slack_takes(card(incident, AROUND))


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
    assert_slack_takes(answer(reply, AROUND, card(incident, AROUND) if incident else None))


def entry(seq: int, kind: Kind, **body: Any) -> Entry:
    draft = Draft(kind, body)
    return Entry(
        "INC-7", seq, to_us(NOON), kind.value, ADA.id, ADA.name, "run", "", canonical(draft.body), "", GENESIS, GENESIS
    )


@settings(max_examples=30, deadline=None)
@given(nasty, nasty)
def test_posts_are_taken_by_slack(text: str, name: str) -> None:
    entries = [
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
    assert [(post.first, post.upto) for post in posts] == [(1, 2), (3, 3), (5, 5), (6, 6), (7, 7), (8, 8), (9, 12)]
    for post in posts:
        assert_slack_takes(post.message)


def simple(**more: Any) -> Incident:
    return Incident("INC-7", "checkout 5xx", Severity.SEV2, NOON, ADA, **more)


def shown(message: Message) -> str:
    return json.dumps(list(message.blocks), ensure_ascii=False)


def buttons(message: Message) -> list[str]:
    rows = [block for block in message.blocks if block["type"] == "actions"]
    return [element["text"]["text"] for row in rows for element in row["elements"]]


def test_an_open_card_offers_what_can_be_done() -> None:
    message = card(simple(), AROUND)
    assert buttons(message) == [
        "checkout",
        "search",
        "Acknowledge",
        "Take command",
        "Mitigated",
        "Resolved",
        "Add note",
        "Send update",
        "Incident page",
    ]
    assert "nobody yet" in shown(message)
    assert "|12:05:00 UTC>*; it escalates then." in shown(message)
    assert message.text == "SEV2 INC-7 checkout 5xx: open, commander nobody yet. Five minutes end 12:05 UTC."


def test_a_resolved_card_offers_the_postmortem() -> None:
    at = {Milestone.MITIGATED.value: NOON + timedelta(minutes=4, seconds=12)}
    message = card(simple(status=Status.RESOLVED, service="checkout", milestones=at), AROUND)
    assert buttons(message) == ["Postmortem", "Add note", "Incident page"]
    assert "Mitigated 4 min 12 s after the opening." in shown(message)


def test_sev3_pages_nobody() -> None:
    message = card(Incident("INC-7", "slow", Severity.SEV3, NOON, ADA), AROUND)
    assert "nobody is paged for SEV3" in shown(message)


def test_a_running_phase_shows_its_deadline_and_never_ticks() -> None:
    phase = Phase("capture", "Capture", 59.987, PhaseState.RUNNING, NOON)
    assert "▶ *Capture* running until <!date^1772366460^{time_secs}|12:01:00 UTC>" in shown(
        card(simple(phases=(phase,)), AROUND)
    )


def test_an_ended_phase_shows_its_time_against_the_budget() -> None:
    phase = Phase("capture", "Capture", 60, PhaseState.DONE, NOON, NOON + timedelta(seconds=3), "3 of 3 targets")
    assert "✓ *Capture* done in 3.0 s of 1 min: 3 of 3 targets" in shown(card(simple(phases=(phase,)), AROUND))


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
    assert buttons(message) == ["Open the evidence"]


def test_the_card_counts_the_alerts_that_fire_and_says_who_answered_the_page() -> None:
    assert "*2 alerts fire.*" in shown(card(simple(alerts={"a": 2, "b": 0}), AROUND))
    assert "*1 alert fires.*" in shown(card(simple(alerts={"a": 1}), AROUND))
    assert "*All alerts have resolved.*" in shown(card(simple(alerts={"a": 0}), AROUND))
    paged = simple(escalation="Paged whoever is on call (PagerDuty).", answered="Ada")
    assert "(PagerDuty). *Ada answered the page.*" in shown(card(paged, AROUND))


def test_a_single_finding_is_not_said_twice() -> None:
    finding = {"fault_class": "deadlock", "target": "c-1", "claim": "two wait", "evidence": [], "fix": "lock in order"}
    verdict = entry(2, Kind.VERDICT, verdict="deadlock", statement="c-1: two wait", artifact="")
    text = shown(pending([entry(1, Kind.FINDING, **finding), verdict], 0, AROUND)[0].message)
    assert text.count("two wait") == 1
    assert "*Fix:* lock in order" in text


def test_a_phase_that_failed_says_why_and_one_that_overran_when_it_should_have_ended() -> None:
    phase = Phase("capture", "Capture", 60, PhaseState.FAILED, NOON, NOON + timedelta(seconds=3), "no answer")
    assert "✗ *Capture* failed in 3.0 s of 1 min: no answer" in shown(card(simple(phases=(phase,)), AROUND))
    late = replace(phase, state=PhaseState.OVERRAN, summary="not done within 1 min")
    drawn = shown(card(simple(phases=(late,)), AROUND))
    assert "! *Capture* overran its 1 min" in drawn
    assert "not done within" not in drawn


def test_an_answer_with_the_card_does_not_say_it_twice() -> None:
    drawn = answer(Reply("*INC-7* open", incident_id="INC-7"), AROUND, card(simple(), AROUND))
    assert drawn.blocks == card(simple(), AROUND).blocks
    assert drawn.text == "*INC-7* open"


def test_a_button_keeps_its_id_while_the_card_changes_around_it() -> None:
    def ids(incident: Incident) -> dict[str, str]:
        rows = (block for block in card(incident, AROUND).blocks if block["type"] == "actions")
        return {each["action_id"]: each["text"]["text"] for row in rows for each in row["elements"]}

    before, after = ids(simple()), ids(simple(status=Status.MITIGATED, milestones={"acknowledged": NOON}))
    assert len(before) > len(after)
    assert all(before[action] == label for action, label in after.items())
