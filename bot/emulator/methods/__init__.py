"""The Web API's methods, by the noun in their name."""

from collections.abc import Callable

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.messages import Json

Method = Callable[[Box, Arguments], Json]
