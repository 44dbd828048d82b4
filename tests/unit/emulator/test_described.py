"""What the local Slack can do is in its page of the docs."""

import re
from pathlib import Path

from bot.emulator.__main__ import parser
from bot.emulator.faults import MODES as FAULTS
from bot.emulator.hands import Hands
from bot.emulator.mishaps import MODES as MISHAPS
from bot.emulator.screws import Screws
from bot.emulator.socket_mode import REASONS
from bot.emulator.town import Town
from tests.unit.emulator.workspaces import SETTINGS

PAGE = (Path(__file__).parents[3] / "docs" / "local-slack.md").read_text()
WORDS = {word for quoted in re.findall(r"`([^`]+)`", PAGE) for word in quoted.split()}


def test_every_option_is_described() -> None:
    options = {name for action in parser()._actions for name in action.option_strings} - {"-h", "--help"}
    assert options - WORDS == set()


async def test_every_act_and_mode_is_described() -> None:
    town = Town(SETTINGS)
    names = {*Hands(town.first).acts, *Screws(town).acts, *FAULTS, *MISHAPS, *REASONS}
    assert names - WORDS == set()
