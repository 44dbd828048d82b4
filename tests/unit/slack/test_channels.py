"""A channel that is archived, deleted, private, or that the bot was thrown out of."""

from dataclasses import replace

from bot.domain.timeline import Kind
from tests.unit.slack.fake_slack import ADA, AFTER, BEN, BOT, World
from tests.unit.slack.test_reconciler import cards, channels, show


async def resolved(world: World) -> str:
    incident_id = await world.open()
    await show(world, incident_id)
    await world.append(incident_id, Kind.STATUS_SET, status="resolved", was="open", text="")
    await show(world, incident_id)
    world.clock.advance(86_400)
    return incident_id


async def test_an_archived_channel_is_replaced_once() -> None:
    world = World()
    incident_id = await world.open()
    await show(world, incident_id)
    channels(world)[0]["archived"] = True
    await world.append(incident_id, Kind.SEVERITY_SET, severity="SEV1", was="SEV2")
    await show(world, incident_id)
    old, new = channels(world)
    assert old["archived"]
    assert (new["name"], new["members"]) == (f"{old['name']}-2", {BOT, ADA.id})
    assert cards(new)[0]["text"].startswith("SEV1")
    assert world.failures(incident_id) == []
    new["archived"] = True
    await world.append(incident_id, Kind.SEVERITY_SET, severity="SEV3", was="SEV1")
    await show(world, incident_id)
    await show(world, incident_id)
    assert len(channels(world)) == 2
    assert [failure["surface"] for failure in world.failures(incident_id)] == ["channel"]


async def test_a_deleted_channel_is_made_anew() -> None:
    world = World()
    incident_id = await world.open()
    await show(world, incident_id)
    world.slack.channels.clear()
    await world.append(incident_id, Kind.SEVERITY_SET, severity="SEV1", was="SEV2")
    await show(world, incident_id)
    assert_fresh = channels(world)[0]
    assert len(cards(assert_fresh)) == 1
    assert assert_fresh["pins"] == [cards(assert_fresh)[0]["ts"]]
    assert world.kinds(incident_id).count(Kind.CHANNEL_OPENED) == 2


async def test_reopened_with_an_archived_channel_it_gets_another() -> None:
    world = World()
    incident_id = await resolved(world)
    channels(world)[0]["archived"] = True
    await world.append(incident_id, Kind.STATUS_SET, status="open", was="resolved", text="")
    await show(world, incident_id)
    assert [channel["archived"] for channel in channels(world)] == [True, False]
    assert "open" in cards(channels(world)[1])[0]["text"]


async def test_archiving_the_channel_of_a_resolved_incident_is_nothing_to_tell() -> None:
    world = World()
    incident_id = await resolved(world)
    channels(world)[0]["archived"] = True
    await world.append(incident_id, Kind.NOTE, text="late")
    await show(world, incident_id)
    assert channels(world)[0]["archived"]
    assert world.failures(incident_id) == []


async def test_a_channel_deleted_long_after_the_end_stays_deleted() -> None:
    world = World()
    incident_id = await resolved(world)
    world.slack.channels.clear()
    surface = world.shown(incident_id)["card"]
    await world.store.write(lambda tx: world.surfaces.show(tx, replace(surface, digest="of an earlier release")))
    await show(world, incident_id)
    assert channels(world) == []


async def test_a_private_incident_has_a_private_channel_and_is_announced_nowhere() -> None:
    world = World(announcements="incidents")
    lobby = world.slack.add_channel("incidents")
    incident_id = await world.open(private=True)
    await world.append(incident_id, Kind.JOINED, person=BEN.id, name="ben", how="asked")
    await show(world, incident_id)
    channel = channels(world)[0]
    assert channel["is_private"]
    assert channel["members"] == {BOT, ADA.id, BEN.id}
    assert lobby["messages"] == []


async def test_a_private_channel_made_by_a_lost_call_is_found_again() -> None:
    world = World()
    world.slack.faults.append(("conversations.create", AFTER))
    await show(world, await world.open(private=True))
    assert [channel["name"] for channel in channels(world)] == ["inc-1-checkout-5xx"]


async def test_thrown_out_of_a_private_channel_it_asks_to_be_invited_and_makes_no_other() -> None:
    world = World()
    incident_id = await world.open(private=True)
    await show(world, incident_id)
    channel = channels(world)[0]
    channel["members"].discard(BOT)
    for severity in ("SEV1", "SEV3"):
        await world.append(incident_id, Kind.SEVERITY_SET, severity=severity, was="SEV2")
        await show(world, incident_id)
    assert channels(world) == [channel]
    assert [failure["surface"] for failure in world.failures(incident_id)] == ["channel"]
    assert "/invite @FirstFive" in world.failures(incident_id)[0]["reason"]
    channel["members"].add(BOT)
    await world.append(incident_id, Kind.SEVERITY_SET, severity="SEV4", was="SEV3")
    await show(world, incident_id)
    assert cards(channel)[0]["text"].startswith("SEV4")


async def test_a_bot_thrown_out_comes_back_in() -> None:
    world = World()
    incident_id = await world.open()
    await show(world, incident_id)
    channels(world)[0]["members"].discard(BOT)
    await world.append(incident_id, Kind.SEVERITY_SET, severity="SEV1", was="SEV2")
    await show(world, incident_id)
    assert cards(channels(world)[0])[0]["text"].startswith("SEV1")


async def test_a_name_that_is_taken_three_times_gets_the_next_number() -> None:
    world = World()
    taken = ["inc-1", "inc-1-2", "inc-1-3"]
    for name in taken:
        # A private channel of others takes a name too, and is not to be seen.
        world.slack.add_channel(name, creator="U0SOMEONE", is_private=name == taken[1], members=set())
    incident_id = await world.open("🔥🔥🔥")
    await show(world, incident_id)
    assert [channel["name"] for channel in channels(world)] == [*taken, "inc-1-4"]
    assert len(cards(channels(world)[-1])) == 1
    assert world.failures(incident_id) == []
