from bot.domain.drills import Size, Switch
from bot.domain.run import Missing
from bot.domain.service import Target


class FakeSwitches:
    """The switches of a lab's targets, each with a leak and a healthy window; `ailment` is why none answers."""

    def __init__(self, ailment: str = "") -> None:
        self.ailment = ailment
        self.on: dict[tuple[str, str], Size] = {}

    async def read(self, target: Target) -> tuple[Switch, ...] | Missing:
        known = {"watch-leak": "goroutine-leak", "goroutine-leak": "goroutine-leak", "busy": ""}
        switches = [Switch(name, f"Is {name}", of, (target.name, name) in self.on) for name, of in known.items()]
        return Missing(self.ailment) if self.ailment else tuple(switches)

    async def turn(self, target: Target, name: str, size: Size | None) -> Missing | None:
        if self.ailment:
            return Missing(self.ailment)
        if size is None:
            self.on.pop((target.name, name), None)
        else:
            self.on[target.name, name] = size
        return None
