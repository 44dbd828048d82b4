from dataclasses import replace

import pytest

from bot.emulator.settings import Lab, settings_problem
from tests.unit.emulator.workspaces import SETTINGS


def test_an_emulators_own_token_is_taken() -> None:
    assert settings_problem(SETTINGS) == ""


@pytest.mark.parametrize("token", ["xoxb-123-456-abc", "", "xoxp-emulator-1"])
def test_a_real_token_is_refused(token: str) -> None:
    assert "SLACK_BOT_TOKEN" in settings_problem(replace(SETTINGS, bot_token=token))


def test_a_secret_is_needed() -> None:
    assert "SLACK_SIGNING_SECRET" in settings_problem(replace(SETTINGS, signing_secret=""))


def test_a_lab_needs_a_url() -> None:
    assert "NAME=http" in settings_problem(replace(SETTINGS, labs=(Lab("checkout-1", "127.0.0.1:6061"),)))
