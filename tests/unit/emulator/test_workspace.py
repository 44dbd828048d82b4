import pytest

from bot.emulator.channels import Channel
from bot.emulator.errors import SlackError
from bot.emulator.workspace import Change, Workspace
from tests.unit.emulator.workspaces import ADA, BEN, workspace


@pytest.fixture
def slack() -> Workspace:
    return workspace()


@pytest.fixture
def general(slack: Workspace) -> Channel:
    return slack.channel("#general")


def test_there_are_people_channels_and_a_bot(slack: Workspace) -> None:
    assert [user.real_name for user in slack.users.values() if not user.is_bot][:2] == ["Ada Okafor", "Ben Lindqvist"]
    assert slack.bot.id in slack.channel("#incidents").members
    assert slack.bot.id not in slack.channel("#random").members


def test_every_ts_is_later_than_the_one_before(slack: Workspace, general: Channel) -> None:
    stamps = [slack.post(general, ADA, "x").ts for _ in range(500)]
    assert sorted(set(stamps), key=float) == stamps


def test_a_reply_hangs_in_its_thread(slack: Workspace, general: Channel) -> None:
    parent = slack.post(general, ADA, "question")
    slack.post(general, BEN, "answer", thread_ts=parent.ts)
    payload = parent.payload("T1")
    assert (payload["reply_count"], payload["reply_users"]) == (1, [BEN])
    assert general.top_level() == [parent]


def test_deleting_a_reply_takes_it_out_of_its_thread(slack: Workspace, general: Channel) -> None:
    parent = slack.post(general, ADA, "question")
    slack.delete(general, slack.post(general, BEN, "answer", thread_ts=parent.ts))
    assert parent.replies == []


def test_an_ephemeral_message_is_not_in_the_history(slack: Workspace, general: Channel) -> None:
    message = slack.show_ephemeral(general, ADA, "psst")
    assert message.ts not in general.messages
    slack.delete(general, message)
    assert not general.ephemerals


def test_an_edit_is_marked_and_told_with_what_was_there(slack: Workspace, general: Channel) -> None:
    told: list[Change] = []
    message = slack.post(general, ADA, "old")
    slack.listeners.append(told.append)
    slack.edit(general, message, ADA, text="new")
    assert message.payload("T1")["edited"]["user"] == ADA
    assert [(change.kind, change.detail["previous"]["text"]) for change in told] == [("message_changed", "old")]


def test_the_same_person_reacts_once(slack: Workspace, general: Channel) -> None:
    message = slack.post(general, ADA, "x")
    slack.react(message, BEN, "eyes")
    with pytest.raises(SlackError, match="already_reacted"):
        slack.react(message, BEN, "eyes")
    slack.unreact(message, BEN, "eyes")
    with pytest.raises(SlackError, match="no_reaction"):
        slack.unreact(message, BEN, "eyes")
    assert message.reactions == {}


def test_a_message_is_pinned_once(slack: Workspace, general: Channel) -> None:
    message = slack.post(general, ADA, "x")
    slack.pin(general, message, ADA)
    with pytest.raises(SlackError, match="already_pinned"):
        slack.pin(general, message, BEN)
    assert general.pinned() == [message]


def test_a_direct_message_is_opened_once(slack: Workspace) -> None:
    assert slack.direct([ADA, BEN]) is slack.direct([BEN, ADA])


def test_joining_twice_is_told_once(slack: Workspace) -> None:
    told: list[Change] = []
    random = slack.channel("#random")
    slack.listeners.append(told.append)
    slack.join(random, slack.bot.id)
    slack.join(random, slack.bot.id)
    assert [change.kind for change in told] == ["member_joined"]
