"""A seeded workspace without anybody listening."""

from bot.emulator.clock import Clock
from bot.emulator.identifiers import Identifiers
from bot.emulator.seed import seeded_workspace
from bot.emulator.settings import Settings
from bot.emulator.workspace import Workspace

ADA, BEN = "U0ADA0001", "U0BEN0002"
SETTINGS = Settings(app_url="http://127.0.0.1:1/", signing_secret="s", bot_token="xoxb-emulator-1")


def workspace() -> Workspace:
    return seeded_workspace(SETTINGS, Clock(), Identifiers())
