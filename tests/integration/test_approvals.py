"""Two people on real databases: what one asks for, the other lets happen; and from the command line with exit codes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from bot import headless, verification
from bot.domain.approval import Request, requests
from bot.domain.run import Run, RunStatus, Source
from bot.domain.timeline import Author, Draft, Entry, Kind, Person
from bot.engine.admission import Command
from bot.main import House, build
from bot.settings import Settings
from tests.databases import fresh_postgres, fresh_sqlite
from tests.fakes import NOON

ANN, BEN, CY = Person("U1", "Ann"), Person("U2", "Ben"), Person("U3", "Cy")
SECRET = "Mrs Miller of 7 High Street"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    artifacts_url = str(tmp_path / "artifacts")
    if request.param == "sqlite":
        yield Settings(database_url=fresh_sqlite(tmp_path), artifacts_url=artifacts_url)
        return
    with fresh_postgres() as url:
        yield Settings(database_url=url, artifacts_url=artifacts_url)


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[House]:
    """Give a bot at work on a database, with an incident that has a note."""
    house = build(settings)
    await house.worker.start()
    opened = Draft(Kind.OPENED, {"title": "slow", "severity": "SEV4", "service": ""})
    note = Draft(Kind.NOTE, {"text": SECRET})
    timeline, author = house.ports.timeline, Author(ANN)
    if not await house.store.read(timeline.chains):
        await house.store.write(partial(timeline.open, draft=opened, author=author, now=NOON))
        await house.store.write(partial(timeline.append, incident_id="INC-1", drafts=[note], author=author, now=NOON))
    try:
        yield house
    finally:
        await house.stop(0.0)


async def chain(house: House) -> list[Entry]:
    return await house.store.read(lambda tx: house.ports.timeline.entries(tx, "INC-1"))


async def admit(house: House, by: Person, playbook: str, **params: object) -> str:
    command = Command(playbook, params, by, Source(via="test"), incident_id="INC-1")
    return (await house.admission.admit(command)).run_id


async def ended(house: House, run_id: str) -> Run:
    async with asyncio.timeout(20):
        while True:
            run = await house.store.read(lambda tx: house.ports.journal.get(tx, run_id))
            if run is not None and run.status.ended:
                return run
            await asyncio.sleep(0.02)


async def asked(house: House) -> Request:
    async with asyncio.timeout(20):
        while True:
            waiting = [each for each in requests(await chain(house)) if each.decided is None]
            if waiting:
                return waiting[0]
            await asyncio.sleep(0.02)


async def test_words_are_blanked_when_a_second_person_agrees(settings: Settings) -> None:
    async with working(settings) as house:
        run_id = await admit(house, ANN, "redact", entry=2, reason="a customer's name")
        request = await asked(house)
        own = await ended(house, await admit(house, ANN, "approve", plan=request.plan[:12]))
        assert own.status is RunStatus.REFUSED
        other = await ended(house, await admit(house, BEN, "approve", run=request.run_id, plan=request.plan[:12]))
        assert other.status is RunStatus.DONE
        assert (await ended(house, run_id)).status is RunStatus.DONE
        assert SECRET not in str(await chain(house))
    [audit], _ = await verification.verify_chains(settings)
    assert (audit.blanked, audit.breaks) == (1, ())


async def test_many_who_press_at_once_decide_once(settings: Settings) -> None:
    async with working(settings) as house:
        run_id = await admit(house, ANN, "redact", entry=2, reason="a customer's name")
        await asked(house)
        pressing = [(BEN, "approve"), (CY, "refuse"), (CY, "approve"), (BEN, "refuse")] * 2
        runs = await asyncio.gather(*(admit(house, by, verb) for by, verb in pressing))
        pressed = [await ended(house, each) for each in runs]
        assert [run.status for run in pressed].count(RunStatus.DONE) == 1
        assert {run.status for run in pressed} == {RunStatus.DONE, RunStatus.REFUSED}
        await ended(house, run_id)
        assert [entry.kind for entry in await chain(house)].count(Kind.APPROVAL_DECIDED) == 1


async def test_a_bot_that_was_stopped_while_it_waited_goes_on_waiting(settings: Settings) -> None:
    async with working(settings) as house:
        run_id = await admit(house, ANN, "redact", entry=2, reason="a customer's name")
        before = await asked(house)
    async with working(settings) as house:
        assert await asked(house) == before
        await admit(house, BEN, "approve")
        assert (await ended(house, run_id)).status is RunStatus.DONE
        assert [entry.kind for entry in await chain(house)].count(Kind.APPROVAL_ASKED) == 1


async def test_the_command_line_says_whom_it_waits_for_and_takes_a_refusal(settings: Settings) -> None:
    async with working(settings) as house:
        told, heard = list[str](), asyncio.Event()

        def tell(message: str) -> None:
            told.append(message)
            heard.set()

        params = {"incident": "INC-1", "entry": "2", "reason": "why not"}
        running = asyncio.create_task(headless.run(settings, "redact", params, tell))
        request = await asked(house)
        account = headless.account()
        assert request.requester == account
        own = await ended(house, await admit(house, account, "approve"))
        assert (own.status, "yourself" in own.reason) == (RunStatus.REFUSED, True)
        async with asyncio.timeout(20):
            await heard.wait()
        await admit(house, BEN, "refuse", reason="needed for the review")
        report = await running
    assert (report.run.status, report.run.reason[-21:]) == (RunStatus.REFUSED, "needed for the review")
    assert f"firstfive run approve run={request.run_id}" in told[0]
