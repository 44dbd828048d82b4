"""The contract of Router: read, plan, make, read again; for the fake and every driver before the real thing."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.run import Missing
from bot.domain.traffic import CLOSED, EMPTIED, Move, Split
from bot.settings import read
from bot.wiring import wired_router
from tests.integration.contracts.grounds import ILLS, LOST, Ground
from tests.integration.contracts.routers import GROUNDS, SHARING

pytestmark = pytest.mark.timeout(180)  # the first Envoy on a machine is fetched
HUNG_S = 10
REQUESTS = 150


@pytest.fixture(scope="module", params=GROUNDS)
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with GROUNDS[request.param](tmp_path_factory.mktemp(request.param)) as ground:
        yield ground


@pytest.fixture(scope="module", params=SHARING)
def sharing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with SHARING[request.param](tmp_path_factory.mktemp(request.param)) as ground:
        yield ground


@pytest.fixture
async def ground(started: Ground) -> Ground:
    await reach(started, started.begun)
    return started


@pytest.fixture
async def busy(sharing: Ground) -> Ground:
    """Give a router that answers requests."""
    await reach(sharing, sharing.begun)
    return sharing


async def now(ground: Ground) -> Split:
    split = await ground.router.read(ground.service)
    assert isinstance(split, Split), split
    return split


async def planned(ground: Ground, wanted: Split) -> tuple[Move, ...]:
    moves = await ground.router.plan(ground.service, wanted)
    assert isinstance(moves, tuple), moves
    return moves


async def reach(ground: Ground, wanted: Split) -> tuple[Move, ...]:
    moves = await planned(ground, wanted)
    for move in moves:
        assert await ground.router.make(ground.service, move) is None
    return moves


def answered(ground: Ground, requests: int, *, marked: bool = False) -> Counter[str]:
    assert ground.share is not None
    return ground.share(requests, marked)


async def test_there_is_nothing_to_do_for_what_it_does_already(ground: Ground) -> None:
    assert (await now(ground)).meets(ground.begun)
    assert await planned(ground, await now(ground)) == ()
    assert await planned(ground, Split()) == ()


async def test_every_move_says_what_it_does_and_what_is_sent(ground: Ground) -> None:
    for wanted in ground.away:
        moves = await planned(ground, wanted)
        assert moves
        assert all(move.words and move.command for move in moves)
        assert moves == await planned(ground, wanted)
    assert (await now(ground)).meets(ground.begun)


async def test_what_was_planned_is_read_back_and_nothing_is_left_to_do(ground: Ground) -> None:
    for wanted in ground.away:
        await reach(ground, wanted)
        assert (await now(ground)).meets(wanted)
        assert await planned(ground, wanted) == ()
        await reach(ground, ground.begun)
        assert (await now(ground)).meets(ground.begun)


async def test_a_move_made_twice_is_made_once(ground: Ground) -> None:
    moves = await reach(ground, ground.away[0])
    for move in moves:
        assert await ground.router.make(ground.service, move) is None
    assert (await now(ground)).meets(ground.away[0])
    assert await planned(ground, ground.away[0]) == ()


async def test_what_is_half_made_is_finished_by_planning_again(ground: Ground) -> None:
    first, *rest = await planned(ground, ground.away[0])
    assert await ground.router.make(ground.service, first) is None
    left = await reach(ground, ground.away[0])
    assert left == tuple(rest)
    assert (await now(ground)).meets(ground.away[0])


async def test_every_ill_is_told_in_a_sentence_in_time(ground: Ground) -> None:
    moves = await planned(ground, ground.away[0])
    for ailment in ILLS:
        with ground.ill(ailment) as (router, service):
            async with asyncio.timeout(HUNG_S):
                told = [
                    await router.read(service),
                    await router.plan(service, ground.away[0]),
                    await router.make(service, moves[0]),
                    await router.backends(service),
                ]
        assert all(isinstance(each, Missing) and len(each.reason) > 20 for each in told), (ailment, told)
    assert (await now(ground)).meets(ground.begun)


async def test_what_is_not_spoken_of_stays_as_it_is(busy: Ground) -> None:
    await reach(busy, EMPTIED)
    assert (await now(busy)).dyed == busy.begun.dyed


async def test_what_is_sent_is_counted_of_each_backend_by_routers_that_tell(busy: Ground) -> None:
    first = await busy.router.backends(busy.service)
    if isinstance(first, Missing):
        assert "does not tell what it counts of each backend" in first.reason
        return
    answered(busy, 30)
    second = await busy.router.backends(busy.service)
    assert isinstance(second, tuple)
    before = {each.name: each for each in first}
    assert sum(each.sent - before[each.name].sent for each in second) == 30
    assert all(each.failed == before[each.name].failed for each in second)
    assert all(each.address.startswith("127.0.0.1:") and each.state for each in second)


async def test_an_emptied_canary_gets_marked_requests_alone(busy: Ground) -> None:
    assert set(answered(busy, REQUESTS)) == {"baseline", "canary"}
    await reach(busy, EMPTIED)
    assert set(answered(busy, REQUESTS)) == {"baseline"}
    assert set(answered(busy, 5, marked=True)) == {"canary"}


async def test_a_closed_canary_gets_nothing_and_everybody_is_answered(busy: Ground) -> None:
    assert set(answered(busy, 5, marked=True)) == {"canary"}
    await reach(busy, CLOSED)
    assert set(answered(busy, REQUESTS)) == {"baseline"}
    assert set(answered(busy, 5, marked=True)) == {"baseline"}
    await reach(busy, busy.begun)
    assert set(answered(busy, REQUESTS)) == {"baseline", "canary"}
    assert set(answered(busy, 5, marked=True)) == {"canary"}


async def test_the_share_is_what_was_asked_for(busy: Ground) -> None:
    await reach(busy, Split(weight=50.0))
    assert answered(busy, 200)["canary"] in range(60, 141)  # six standard deviations of a fair coin


async def test_what_was_done_though_its_answer_was_lost_is_read_and_can_be_done_again(busy: Ground) -> None:
    moves = await planned(busy, CLOSED)
    with busy.ill(LOST) as (router, service):
        for move in moves:
            assert isinstance(await router.make(service, move), Missing)
    assert (await now(busy)).meets(CLOSED)
    await reach(busy, CLOSED)
    for move in moves:
        assert await busy.router.make(busy.service, move) is None
    assert (await now(busy)).meets(CLOSED)
    assert await planned(busy, CLOSED) == ()


async def test_what_firstfive_toml_names_is_what_is_driven(busy: Ground, tmp_path: Path) -> None:
    file = tmp_path / "firstfive.toml"
    file.write_text(f'[[services]]\nname = "checkout"\n{busy.toml}')
    settings = read({"FIRSTFIVE_CONFIG": str(file)})
    (service,) = settings.catalog().services
    split = await wired_router(settings).read(service)
    assert isinstance(split, Split), split
    assert split.meets(busy.begun)
