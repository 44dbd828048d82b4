from dataclasses import replace
from typing import Any

import pytest

from bot.emulator.settings import Lab, settings_problem
from tests.unit.emulator.workspaces import SETTINGS


def test_an_emulators_own_token_is_taken() -> None:
    assert settings_problem(SETTINGS) == ""


@pytest.mark.parametrize("token", ["xoxb-123-456-abc", "", "xoxp-emulator-1"])
def test_a_real_token_is_refused(token: str) -> None:
    assert "SLACK_BOT_TOKEN" in settings_problem(replace(SETTINGS, bot_token=token))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"app_token": "xapp-1-A012-345-abc"}, "SLACK_APP_TOKEN"),
        ({"app_token": "xoxb-emulator-1"}, "SLACK_APP_TOKEN"),
        ({"config_token": "xoxe.xoxp-1-abc"}, "--config-token"),
        ({"client_secret": "0123456789abcdef0123456789abcdef"}, "SLACK_CLIENT_SECRET"),
    ],
)
def test_nothing_else_that_is_real_is_taken(changed: dict[str, Any], named: str) -> None:
    problem = settings_problem(replace(SETTINGS, **changed))
    assert named in problem
    assert not [value for value in changed.values() if value in problem]


@pytest.mark.parametrize(
    ("scopes", "events", "words"),
    [
        (("chat:wrte",), (), "no scope chat:wrte"),
        ((), ("reaction_aded",), "no event reaction_aded"),
        (("chat:write",), ("reaction_added",), "reaction_added needs the scope reactions:read"),
        (("chat:write",), ("member_joined_channel",), "channels:read or groups:read"),
        (("channels:history",), ("message.channels", "app_home_opened"), ""),
    ],
)
def test_an_app_that_slack_would_not_take_is_refused(
    scopes: tuple[str, ...], events: tuple[str, ...], words: str
) -> None:
    problem = settings_problem(replace(SETTINGS, scopes=scopes, events=events))
    assert (words in problem, bool(problem)) == (True, bool(words))


def test_a_secret_is_needed() -> None:
    assert "SLACK_SIGNING_SECRET" in settings_problem(replace(SETTINGS, signing_secret=""))


def test_a_lab_needs_a_url() -> None:
    assert "NAME=http" in settings_problem(replace(SETTINGS, labs=(Lab("checkout-1", "127.0.0.1:6061"),)))
