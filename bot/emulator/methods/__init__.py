"""The Web API's methods, by the noun in their name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.grants import TokenKind
from bot.emulator.messages import Json

Act = Callable[[Box, Arguments], Json]


@dataclass(frozen=True, slots=True)
class Needs:
    """The scopes a method needs. `a|b` is one of the two; `of` gives those of one call, `all` those of any."""

    all: tuple[str, ...] = ()
    of: Callable[[Box, Arguments], Sequence[str]] | None = None

    def groups(self, box: Box, args: Arguments) -> Sequence[str]:
        """Return the groups of scopes of each of which this call needs one."""
        return self.all if self.of is None else self.of(box, args)

    @property
    def accepted(self) -> list[str]:
        """Return every scope that may open the method."""
        return sorted({scope for group in self.all for scope in group.split("|")})


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what it does, and what Slack wants before it does it."""

    act: Act
    needs: Needs = Needs()
    token: TokenKind = "bot"  # noqa: S105 - a kind of token
    takes_json: bool = True

    def __call__(self, box: Box, args: Arguments) -> Json:
        """Do it."""
        return self.act(box, args)
