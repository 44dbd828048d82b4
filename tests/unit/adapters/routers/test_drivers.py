"""Whatever a driver says is fit to be shown, and what it does is not changed by that."""

from bot.adapters.routers.drivers import Drivers
from bot.adapters.routers.envoy import EnvoyDriver
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.domain.traffic import CLOSED, Move, Route, Split

SECRET = "hunter2hunter2"
ADDRESS = f"http://bot:{SECRET}@127.0.0.1:1"


class Talkative:
    """Says its address wherever it says something."""

    def __init__(self) -> None:
        self.made: list[Move] = []

    async def read(self, route: Route) -> Split | Missing:
        return Split(10.0, note=f"asked {route.text('admin')}")

    async def earlier(self, route: Route) -> str | Missing:
        return Missing(f"{route.text('admin')} knows of none")

    async def plan(self, route: Route, wanted: Split) -> tuple[Move, ...] | Missing:
        assert wanted
        return (Move(f"ask {route.text('admin')}", f"curl {route.text('admin')}", {"to": route.text("admin")}),)

    async def make(self, route: Route, move: Move) -> Missing | None:
        self.made.append(move)
        return Missing(f"{route.text('admin')} refused")


def service(kind: str) -> Service:
    return Service("checkout", (), route=Route(kind, {"admin": ADDRESS, "weight_key": "w"}))


async def test_a_password_in_an_address_is_used_and_never_shown() -> None:
    driver, asked = Talkative(), service("talkative")
    drivers = Drivers({"talkative": driver})
    moves = await drivers.plan(asked, CLOSED)
    assert not isinstance(moves, Missing)
    said = [await drivers.read(asked), await drivers.earlier(asked), await drivers.make(asked, moves[0])]
    assert SECRET not in f"{said} {moves[0].words} {moves[0].command}"
    assert driver.made[0].body == {"to": ADDRESS}


async def test_envoy_that_does_not_answer_is_named_without_it() -> None:
    told = await Drivers({"envoy": EnvoyDriver(0.5)}).read(service("envoy"))
    assert isinstance(told, Missing)
    assert told.reason.startswith("127.0.0.1:1 cannot be asked")
    assert "bot:" not in told.reason
