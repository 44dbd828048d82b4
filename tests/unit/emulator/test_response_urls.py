import pytest

from bot.emulator.channels import Channel
from bot.emulator.errors import SlackError
from bot.emulator.identifiers import Identifiers
from bot.emulator.response_urls import LIFE_S, USES, ResponseUrls
from bot.emulator.workspace import Workspace
from tests.unit.emulator.workspaces import ADA, workspace


@pytest.fixture
def slack() -> Workspace:
    return workspace()


@pytest.fixture
def general(slack: Workspace) -> Channel:
    return slack.channel("#general")


@pytest.fixture
def urls(slack: Workspace) -> ResponseUrls:
    return ResponseUrls(slack, Identifiers(), slack.clock, "http://127.0.0.1:1", "A1")


def key_of(url: str) -> str:
    return url.rpartition("/")[2]


def test_an_answer_is_ephemeral_unless_said_otherwise(urls: ResponseUrls, general: Channel) -> None:
    key = key_of(urls.issue(general.id, ADA))
    urls.use(key, {"text": "for you"})
    urls.use(key, {"text": "for all", "response_type": "in_channel"})
    assert [one.visible_to for one in general.ephemerals.values()] == [ADA]
    assert [one.text for one in general.messages.values()] == ["for all"]


def test_it_works_five_times(urls: ResponseUrls, general: Channel) -> None:
    key = key_of(urls.issue(general.id, ADA))
    for _ in range(USES):
        urls.use(key, {"text": "x"})
    with pytest.raises(SlackError, match="used_url"):
        urls.use(key, {"text": "x"})


def test_it_works_for_half_an_hour(urls: ResponseUrls, general: Channel, slack: Workspace) -> None:
    key = key_of(urls.issue(general.id, ADA))
    slack.clock.advance(LIFE_S + 1)
    with pytest.raises(SlackError, match="expired_url"):
        urls.use(key, {"text": "x"})


def test_the_original_is_replaced_and_deleted(urls: ResponseUrls, general: Channel, slack: Workspace) -> None:
    message = slack.show_ephemeral(general, ADA, "old")
    key = key_of(urls.issue(general.id, ADA, message.ts))
    urls.use(key, {"text": "new", "replace_original": True})
    assert [one.text for one in general.ephemerals.values()] == ["new"]
    urls.use(key, {"delete_original": True})
    assert not general.ephemerals


def test_refused_blocks_do_not_use_it_up(urls: ResponseUrls, general: Channel) -> None:
    key = key_of(urls.issue(general.id, ADA))
    for _ in range(USES + 1):
        with pytest.raises(SlackError, match="invalid_blocks"):
            urls.use(key, {"blocks": [{"type": "nonsense"}]})
    urls.use(key, {"text": "still good"})


def test_an_answer_says_something(urls: ResponseUrls, general: Channel) -> None:
    with pytest.raises(SlackError, match="no_text"):
        urls.use(key_of(urls.issue(general.id, ADA)), {})
