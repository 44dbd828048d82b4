from datetime import timedelta

import pytest

from bot.adapters.slack.answers import Answers
from bot.domain.run import Choice, Reply, Source
from bot.domain.timeline import Person
from bot.ports import Answer
from tests.unit.slack.fake_slack import ADA, BEFORE, World, settled

URL = "http://slack/response/1"


def owe(world: World, reply: Reply, *, url: str = URL, via: str = "slack", person: Person = ADA) -> str:
    lobby = next((one for one in world.slack.channels.values()), None) or world.slack.add_channel("general")
    source = Source(lobby["id"], "general", url, via)
    key = f"run:{len(world.store.now.answers)}"
    answer = Answer(key, source, person, reply, world.clock.now())
    world.store.now.answers[key] = (answer, "")
    return key


async def deliver(world: World, key: str) -> str:
    answers = Answers(world.studio)
    await answers.start()
    await settled(world.clock, lambda: world.answers()[key][1] != "")
    await answers.stop()
    return world.answers()[key][1]


async def test_an_answer_goes_to_whoever_asked() -> None:
    world = World()
    key = owe(world, Reply("Noted on *INC-1*.", (Choice("More", "status"),)))
    assert await deliver(world, key) == "delivered"
    url, body = world.slack.responses[0]
    assert url == URL
    assert (body["response_type"], body["replace_original"], body["text"]) == ("ephemeral", False, "Noted on *INC-1*.")
    assert [block["type"] for block in body["blocks"]] == ["section", "actions"]


async def test_it_is_delivered_once() -> None:
    world = World()
    key = owe(world, Reply("Done."))
    await deliver(world, key)
    answers = Answers(world.studio)
    await answers.start()
    answers.touch()
    await settled(world.clock, lambda: True)
    await answers.stop()
    assert len(world.slack.responses) == 1


async def test_a_card_comes_below() -> None:
    world = World()
    incident_id = await world.open("slow")
    await deliver(world, owe(world, Reply("Here.", incident_id=incident_id)))
    assert any(block["type"] == "header" for block in world.slack.responses[0][1]["blocks"])


async def test_a_used_url_leaves_the_channel() -> None:
    world = World()
    key = owe(world, Reply("Done."))
    world.slack.faults = [("respond", "used_url")]
    assert await deliver(world, key) == "delivered"
    lobby = next(iter(world.slack.channels.values()))
    assert [message["text"] for message in lobby["ephemerals"]] == ["Done."]


async def test_outside_of_the_channel_it_comes_directly() -> None:
    world = World()
    key = owe(world, Reply("Done."), url="")
    world.slack.faults = [("chat.postEphemeral", "user_not_in_channel")]
    assert await deliver(world, key) == "delivered"
    assert [message["channel"] for message in world.slack.direct] == [ADA.id]


@pytest.mark.parametrize("failures", [1, 5])
async def test_an_outage_is_waited_for(failures: int) -> None:
    world = World()
    key = owe(world, Reply("Done."))
    world.slack.faults = [("respond", BEFORE)] * failures
    assert await deliver(world, key) == "delivered"
    assert len(world.slack.responses) == 1


async def test_after_half_an_hour_nobody_waits_any_more() -> None:
    world = World()
    began = world.clock.at
    key = owe(world, Reply("Done."))
    world.slack.faults = [("respond", BEFORE)] * 1_000
    assert await deliver(world, key) == "given up: unanswered"
    assert timedelta(minutes=30) < world.clock.at - began < timedelta(minutes=32)


async def test_an_answer_to_the_command_line_is_not_slack_s() -> None:
    world = World()
    key = owe(world, Reply("Done."), via="cli", person=Person("cli:root", "root"))
    assert await deliver(world, key) == "given up: nobody asked for it"
    assert world.slack.responses == []
