"""What the tests of messages share: nasty words, incidents of them, what Slack takes, how to read a message."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bot.adapters.slack import card as cards
from bot.adapters.slack.blocks import Around, Message
from bot.domain.approval import Request
from bot.domain.incident import Incident, Role, Said, Severity, Status
from bot.domain.measures import Milestone
from bot.domain.phases import Phase, PhaseState
from bot.domain.timeline import GENESIS, Draft, Entry, Kind, Person, canonical, to_us
from tests.fakes import NOON

PHASES = (("Declare", 30.0), ("Capture", 60.0), ("Diagnose", 30.0), ("Decide", 30.0), ("Mitigate", 150.0))
AROUND = Around("http://pages/", ("checkout", "payment"), PHASES)
ADA = Person("U0ADA0001", "ada")
# Of a whole message; the card has to stay far below, since it is drawn into answers too.
ALL_BLOCKS, CARD = 10_000, 7_500

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
requests = st.builds(
    Request,
    run_id=st.just("r1"),
    playbook=nasty,
    params=st.dictionaries(st.sampled_from(["entry", "text"]), nasty),
    will=st.lists(nasty, max_size=3).map(tuple),
    measured=st.dictionaries(nasty, nasty, max_size=7),
    plan=st.just("a" * 64),
    requester=people,
    asked_at=st.just(NOON),
    expires_at=st.just(NOON + timedelta(minutes=10)),
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
    impact=nasty,
    private=st.booleans(),
    merged_into=st.sampled_from(["", "INC-3"]),
    cancelled=nasty,
    fix=nasty,
    on_call=st.lists(people, max_size=7).map(tuple),
    next_update_at=st.none() | st.just(NOON + timedelta(minutes=2)),
    waiting=st.lists(requests, max_size=3).map(tuple),
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


def entry(seq: int, kind: Kind, **body: Any) -> Entry:
    draft = Draft(kind, body)
    return Entry(
        "INC-7", seq, to_us(NOON), kind.value, ADA.id, ADA.name, "run", "", canonical(draft.body), "", GENESIS, GENESIS
    )


def simple(**more: Any) -> Incident:
    return Incident("INC-7", "checkout 5xx", Severity.SEV2, NOON, ADA, **more)


def shown(message: Message) -> str:
    return json.dumps(list(message.blocks), ensure_ascii=False)


def buttons(message: Message) -> list[str]:
    rows = [block for block in message.blocks if block["type"] == "actions"]
    return [element["text"]["text"] for row in rows for element in row["elements"] if element["type"] == "button"]


def card(incident: Incident, now: datetime = NOON) -> Message:
    return cards.card(incident, AROUND, now)


def menu(message: Message) -> list[str]:
    """Give the labels of what hides behind the three dots."""
    elements = [element for block in message.blocks for element in block.get("elements", ())]
    menus = [element for element in elements if element["type"] == "overflow"]
    return [option["text"]["text"] for each in menus for option in each["options"]]
