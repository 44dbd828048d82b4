"""Looks at both tracks go on whatever the clock does; what is safe is said of few requests too, if they are enough."""

import re
from datetime import timedelta

from bot.domain.run import Run
from tests.unit.playbooks.test_rollback import ask, rolled_back
from tests.unit.playbooks.test_watch import minute
from tests.unit.playbooks.watched import WatchedDesk, watched_desk


async def slow(rate: float) -> tuple[WatchedDesk, Run]:
    house = watched_desk()
    house.counters.rate = rate
    await house.say("start sev3 checkout slow")
    return house, await rolled_back(house)


async def test_a_service_with_few_requests_is_proven_safe_too() -> None:
    _, run = await slow(2.0)
    assert run.result["safe"]
    # On a busy machine the clock of the tests, which leaps while everybody waits, may be a look further.
    assert re.search(r"Safe after (29|30) s: errors 0 %", run.result["summary"])


async def test_too_few_requests_prove_nothing_and_it_is_said_how_many_it_takes() -> None:
    _, run = await slow(0.5)
    assert not run.result["safe"]
    assert "Not proven safe: errors 0 %, P95 48 ms of 30 requests; it takes 52 to tell." in run.result["summary"]


async def test_a_clock_that_is_set_back_stops_nobody_from_looking() -> None:
    house = watched_desk()
    looked = 0

    async def look(address: str) -> object:
        nonlocal looked
        looked += 1
        if looked == 3:
            house.later(-300)
        return await exposition(address)

    exposition = house.counters.exposition
    house.counters.exposition = look  # type: ignore[method-assign, assignment]
    began = house.ports.clock.now()
    await minute(house)
    assert looked > timedelta(minutes=5) / timedelta(seconds=1)
    assert house.ports.clock.now() > began


async def test_nobody_who_rolls_back_waits_for_numbers_that_do_not_come() -> None:
    house = watched_desk()
    house.counters.ailment = "no answer within 3 s"
    await house.say("start sev3 checkout slow")
    began = house.ports.clock.now()
    await ask(house)
    asked = house.incident().waiting[0]
    assert asked.measured["Measure"] == "inconclusive: the numbers cannot be read: no answer within 3 s."
    assert asked.asked_at == began


async def test_counters_that_are_read_every_half_minute_prove_it_too() -> None:
    house = watched_desk()
    exposition = house.counters.exposition
    last, read_at = await exposition("http://127.0.0.1"), house.ports.clock.now()

    async def look(address: str) -> object:
        nonlocal last, read_at
        if house.ports.clock.now() - read_at >= timedelta(seconds=30):
            last, read_at = await exposition(address), house.ports.clock.now()
        return last

    house.counters.exposition = look  # type: ignore[method-assign, assignment]
    await house.say("start sev3 checkout slow")
    run = await rolled_back(house)
    assert run.result["safe"], run.result["summary"]
