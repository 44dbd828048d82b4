from dataclasses import replace

from bot.domain.dyeing import CANARY, Front, Landed, Mark, Request
from bot.domain.run import RunStatus
from bot.domain.service import Catalog, Service
from bot.domain.timeline import HOUSE, Kind
from bot.domain.traffic import CLOSED, Route
from tests.fakes import FakeFronts, FakeRouter, fake_ports
from tests.unit.playbooks.desk import Desk, desk

SHOP = Service("shop", (), route=Route("envoy"), front=Front("http://127.0.0.1:8440"))


def at_shop(*, closed: bool = False) -> Desk:
    """A router that obeys the header whatever it says of itself."""
    fronts = FakeFronts()

    def lands(request: Request) -> Landed:
        return Landed(request, request.marks.get(Mark.HEADER, "baseline"), request.id)

    fronts.lands = lands
    ports = replace(fake_ports(Catalog((SHOP,))), fronts=fronts)
    return Desk(replace(ports, router=FakeRouter(CLOSED)) if closed else ports)


async def test_what_was_seen_is_told_and_recorded() -> None:
    house = at_shop()
    text = await house.text("dye shop requests=2")

    assert text.startswith("The front of *shop* does with marked requests what it should.")
    assert "Unmarked requests: 2 baseline." in text
    assert f"Marked by header: 3 {CANARY}." in text
    (told,) = [entry.facts for entry in house.chain(HOUSE) if entry.kind == Kind.DYED]
    assert told["flaws"] == []
    assert told["url"] == "http://127.0.0.1:8440"


async def test_a_rollback_that_left_a_way_open_is_found() -> None:
    house = at_shop(closed=True)
    text = await house.text("dye shop")

    assert "does not do what it should" in text
    assert "The canary is not closed: requests marked by header still reach it." in text


async def test_a_router_that_does_not_answer_leaves_what_was_seen() -> None:
    house = at_shop(closed=True)
    assert isinstance(house.ports.router, FakeRouter)
    house.ports.router.ailment = "no answer"

    assert "Marked by header: 3 canary." in await house.text("dye shop")


async def test_where_users_go_must_be_configured() -> None:
    ended = await desk().say("dye checkout")

    assert ended.status is RunStatus.FAILED
    assert "add [services.front] with its `url`" in ended.reason
