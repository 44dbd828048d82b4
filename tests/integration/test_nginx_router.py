"""What is peculiar to nginx: the file, what `nginx -t` refuses, which workers run what."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.routers.files import put, text_of
from bot.adapters.routers.nginx import NginxDriver, render
from bot.domain.run import Missing
from bot.domain.traffic import CLOSED, EMPTIED, Move, Route, Split
from tests.routers.nginx import running_nginx
from tests.routers.programs import Running
from tests.routers.tracks import Tracks

DRIVER = NginxDriver(program_s=5.0)
OPEN = Split(weight=10.0, dyed=True)


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    nobody = Tracks("127.0.0.1:9", "127.0.0.1:8")
    with running_nginx(nobody, tmp_path_factory.mktemp("nginx")) as router:
        yield router


@pytest.fixture
async def route(router: Running) -> Route:
    """Give the route of a router that is open, whatever the test before has left."""
    put(Path(router.route.text("include")), render(router.route, CLOSED))
    (move,) = await planned(router.route, OPEN)
    assert await DRIVER.make(router.route, move) is None
    return router.route


def changed(route: Route, **settings: str | tuple[str, ...]) -> Route:
    return replace(route, settings={**route.settings, **settings})


async def planned(route: Route, wanted: Split) -> tuple[Move, ...]:
    moves = await DRIVER.plan(route, wanted)
    assert isinstance(moves, tuple), moves
    return moves


async def test_what_is_written_loaded_and_asked_is_shown(route: Route) -> None:
    (move,) = await planned(changed(route, test=("nginx", "-t"), reload=("nginx", "-s", "reload")), CLOSED)
    upstreams = (
        "upstream checkout { server 127.0.0.1:9 weight=1; server 127.0.0.1:8 down; } "
        "upstream dyed { server 127.0.0.1:9; }"
    )
    assert move.words == "give the canary 0 % and keep marked requests from it"
    assert move.command == f"{upstreams} > {route.text('include')} && nginx -t && nginx -s reload"


async def test_what_nginx_refuses_is_not_loaded_and_the_file_is_as_it_was(route: Route) -> None:
    include = Path(route.text("include"))
    before = text_of(include)
    bad = changed(route, lines=("keepalive much",))
    (move,) = await planned(bad, CLOSED)
    failed = await DRIVER.make(bad, move)
    assert isinstance(failed, Missing)
    assert "-t` failed: " in failed.reason
    assert "nothing was loaded, and the file is as it was" in failed.reason
    assert text_of(include) == before
    assert await DRIVER.read(route) == OPEN


async def test_a_file_that_was_written_but_not_loaded_is_said_and_loaded_by_planning_again(route: Route) -> None:
    deaf = changed(route, reload=("false",))
    (move,) = await planned(deaf, CLOSED)
    failed = await DRIVER.make(deaf, move)
    assert failed == Missing("`false` failed: exit code 1")
    split = await DRIVER.read(route)
    assert isinstance(split, Split)
    assert split.meets(OPEN)
    assert split.note == f"a reload of nginx would change it: {route.text('include')} says otherwise"
    (again,) = await planned(route, CLOSED)
    assert (again.words, again.body) == (move.words, move.body)
    assert await DRIVER.make(route, again) is None
    assert await DRIVER.read(route) == CLOSED


async def test_workers_that_never_run_it_are_told(route: Route) -> None:
    idle = changed(route, reload=("true",))
    (move,) = await planned(idle, EMPTIED)
    failed = await NginxDriver(program_s=3.0).make(idle, move)
    assert isinstance(failed, Missing)
    assert failed.reason.startswith("not every worker of nginx runs it within 3 s: weight=10 dyed=yes")


async def test_a_location_that_says_something_else_is_told_what_to_say(route: Route, router: Running) -> None:
    failed = await DRIVER.read(changed(route, marker=f"http://{router.address}/"))
    assert isinstance(failed, Missing)
    assert "answered 502" in failed.reason
    assert "`return 200 $firstfive_checkout;`" in failed.reason


async def test_a_folder_that_may_not_be_written_is_told(route: Route) -> None:
    away = changed(route, include="/nowhere/checkout.conf")
    (move,) = await planned(away, CLOSED)
    failed = await DRIVER.make(away, move)
    assert isinstance(failed, Missing)
    assert failed.reason.startswith("/nowhere/checkout.conf cannot be written: No such file or directory")


async def test_a_restart_changes_nothing(route: Route, router: Running) -> None:
    (move,) = await planned(route, CLOSED)
    assert await DRIVER.make(route, move) is None
    router.restart()
    assert await DRIVER.read(route) == CLOSED


async def test_what_a_person_wrote_first_is_read_and_replaced_by_the_first_change(
    route: Route, router: Running
) -> None:
    include = Path(route.text("include"))
    digest = text_of(include).partition("dyed=yes ")[2][:8]
    assert (
        put(include, text_of(include).replace(digest, "00000000").replace("# FirstFive", "# We, not FirstFive")) == ""
    )
    router.restart()
    assert await DRIVER.read(route) == OPEN
    (move,) = await planned(route, EMPTIED)
    assert await DRIVER.make(route, move) is None
    assert text_of(include) == render(route, Split(weight=0.0, dyed=True))
