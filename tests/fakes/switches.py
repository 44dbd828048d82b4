from collections.abc import Mapping
from datetime import timedelta

from bot.domain.drills import Size, Switch
from bot.domain.run import Missing
from bot.domain.service import Target


class FakeSwitches:
    """The switches of a lab's targets, each with a leak and a healthy window; `silent`: who gives no answer, why.

    The lab itself can lock a target for ever, which then gives no answer.
    """

    def __init__(self, silent: Mapping[str, str] | None = None) -> None:
        self.silent = silent or {}
        self.on: dict[tuple[str, str], Size] = {}
        self.lasts: dict[tuple[str, str], timedelta | None] = {}

    async def read(self, target: Target) -> tuple[Switch, ...] | Missing:
        if target.name == "the lab":
            return (Switch("two-locks", "Locks twice", "deadlock", (target.name, "two-locks") in self.on),)
        if ("the lab", "two-locks") in self.on:
            return Missing(f"{target.name} does not answer")
        known = {"watch-leak": "goroutine-leak", "goroutine-leak": "goroutine-leak", "busy": ""}
        switches = [Switch(name, f"Is {name}", of, (target.name, name) in self.on) for name, of in known.items()]
        return Missing(self.silent[target.name]) if target.name in self.silent else tuple(switches)

    async def turn(
        self, target: Target, name: str, size: Size | None, lasts: timedelta | None = None
    ) -> Missing | None:
        if target.name in self.silent:
            return Missing(self.silent[target.name])
        if size is None:
            self.on.pop((target.name, name), None)
        else:
            self.on[target.name, name] = size
            self.lasts[target.name, name] = lasts
        return None
