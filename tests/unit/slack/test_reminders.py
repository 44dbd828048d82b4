"""A reminder is a message in the channel with the buttons that end it, posted once."""

import json
from typing import Any

from bot.adapters.slack.reconciler import Reconciler
from bot.domain.timeline import Kind
from tests.unit.slack.fake_slack import BEN, World, settled


async def shown(world: World, incident_id: str) -> list[dict[str, Any]]:
    for _ in range(2):
        reconciler = Reconciler(world.studio)
        await reconciler.start()
        reconciler.touch(incident_id)
        await settled(world.clock, lambda reconciler=reconciler: not reconciler.pending)  # type: ignore[misc]
        await reconciler.stop()
    channel = next(channel for channel in world.slack.channels.values() if channel["name"].startswith("inc-"))
    return list(channel["messages"])[1:]


def buttons(message: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [block["elements"] for block in message["blocks"] if block["type"] == "actions"]
    return [(each["text"]["text"], json.loads(each["value"])["do"]) for row in rows for each in row]


async def test_a_reminder_asks_for_a_commander() -> None:
    world = World()
    incident_id = await world.open()
    text = "INC-1 has had no commander for 5 min. Who takes it?"
    await world.append(incident_id, Kind.REMINDED, about="commander", slot="", text=text, person="")
    (message,) = await shown(world, incident_id)
    assert message["text"] == text
    assert buttons(message) == [
        ("Take command", "role commander me was=- incident=INC-1"),
        ("Snooze 30 min", "snooze 30m incident=INC-1"),
    ]


async def test_the_commander_is_called_by_name_and_a_snooze_is_told() -> None:
    world = World()
    incident_id = await world.open()
    await world.append(incident_id, Kind.REMINDED, about="update", slot="", text="No update.", person=BEN.id)
    await world.append(incident_id, Kind.SNOOZED, until=0, minutes=30)
    reminder, snooze = await shown(world, incident_id)
    assert reminder["blocks"][0]["text"]["text"] == f"<@{BEN.id}> No update."
    assert buttons(reminder)[0] == ("Send update", "update incident=INC-1")
    assert snooze["text"] == "ada snoozed the reminders for 30 min"
    assert snooze["thread_ts"]


async def test_a_reminder_to_resolve_means_what_was_mitigated_then() -> None:
    world = World()
    incident_id = await world.open()
    await world.append(incident_id, Kind.REMINDED, about="resolve", slot="", text="Is it over?", person="")
    (reminder,) = await shown(world, incident_id)
    assert buttons(reminder)[0] == ("Resolved", "resolve saw=mitigated incident=INC-1")


async def test_an_approval_about_to_expire_is_asked_for_again_with_its_plan() -> None:
    world = World()
    incident_id = await world.open()
    body = {"run": "r1", "playbook": "rollback", "params": {"service": "checkout"}, "steps": ["Roll back"]}
    body |= {"measured": {}, "plan": "ab" * 32, "person": BEN.id, "name": BEN.name}
    await world.append(incident_id, Kind.APPROVAL_ASKED, **body, expires_at=0)
    await world.append(incident_id, Kind.REMINDED, about="approval", slot="", text="Who?", person="", run="r1")
    await world.append(incident_id, Kind.REMINDED, about="approval", slot="", text="Who?", person="", run="gone")
    _, reminder, stray = await shown(world, incident_id)
    about = f"incident={incident_id} run=r1 plan={'ab' * 6}"
    snooze = ("Snooze 30 min", f"snooze 30m incident={incident_id}")
    assert buttons(reminder) == [("Approve", f"approve {about}"), ("Refuse", f"refuse {about}"), snooze]
    assert buttons(stray)[-1] == snooze


async def test_an_action_item_is_told_under_the_card() -> None:
    world = World()
    incident_id = await world.open()
    given = {"text": "add a <b>timeout</b>", "person": BEN.id, "name": BEN.name, "due": "2026-11-30"}
    await world.append(incident_id, Kind.ACTION, item=1, **given)
    await world.append(incident_id, Kind.ACTION, item=1, done="2026-11-28")
    (message,) = await shown(world, incident_id)
    assert message["blocks"][0]["text"]["text"] == (
        f"ada, action item 1: to do: add a &lt;b&gt;timeout&lt;/b&gt;, owner: {BEN.name}, due: 2026-11-30\n"
        "ada, action item 1: done: 2026-11-28"
    )
    assert message["thread_ts"]
