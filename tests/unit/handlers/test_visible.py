"""Who may see a run: its page, what the API says of it, what it asks for; nobody learns by it what is private."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from bot.domain.incident import fold
from bot.domain.run import Run, RunStatus, Source
from bot.domain.timeline import FIRSTFIVE, Author, Draft, Kind, Person
from bot.engine.admission import Command
from bot.ports import Tx
from handlers.api.application import AT
from handlers.reader import Reader, Way
from handlers.visible import names_in, visible_run
from handlers.waiting import waiting
from tests.fakes.readers import HERE, signed_in
from tests.unit.playbooks.desk import ADA, BEN, Desk, desk
from tests.unit.test_private_incidents import SECRET, browser, opened

CARL = Person("U3", "Carl")
SCRIPT = Reader(Person("token:U1", "Ada's token"), Way.TOKEN)


async def statuses(house: Desk, run_id: str, person: Person) -> list[int]:
    """Give what the page of a run and the API answer somebody with."""
    client, _ = browser(house, signed_in(person))
    async with client:
        return [(await client.get(f"{place}{run_id}")).status_code for place in ("/runs/", f"{AT}/runs/")]


async def sees(house: Desk, run_id: str, person: Person) -> bool:
    """Tell whether the page and the API show a run; they agree."""
    [status] = set(await statuses(house, run_id, person))
    return status == 200


async def two() -> Desk:
    """Give a private incident of Ada's and one that is not."""
    house = await opened(private=True)
    await house.say("start sev3 payment another one", BEN)
    return house


async def begun_in_a_channel(house: Desk, verb: str, incident_id: str, by: Person) -> str:
    """Let somebody ask in the channel of an incident, which the run is about then; give the run."""
    timeline, now = house.ports.timeline, house.ports.clock.now()
    draft = Draft(Kind.CHANNEL_OPENED, {"channel": "C8", "name": "inc"})
    await house.ports.store.write(lambda tx: timeline.append(tx, incident_id, [draft], Author(FIRSTFIVE), now))
    run_id = (await house.admission.admit(Command(verb, {}, by, Source("C8", via="test")))).run_id
    await house.work(lambda: bool(house.state.runs[run_id].status.ended))
    return run_id


async def test_words_that_name_a_private_incident_hide_no_run() -> None:
    house = await two()
    run = await house.say("note incident=INC-2 looks like INC-1", BEN)
    assert [await sees(house, run.id, each) for each in (ADA, BEN, CARL)] == [True] * 3


async def test_a_request_that_names_a_private_incident_is_decided_by_who_sees_it_listed() -> None:
    house = await two()
    run_id = await house.begin("redact", {"entry": 1, "reason": "as in INC-1"}, BEN, "INC-2")
    await house.work(lambda: bool(house.incident("INC-2").waiting))
    listed = [each.run.id for each in await waiting(house.ports, CARL)]
    client, _ = browser(house, signed_in(CARL))
    async with client:
        shown = [(await client.get(f"{place}{run_id}")).status_code for place in ("/approvals/", f"{AT}/approvals/")]
    assert (listed, shown) == ([run_id], [200, 200])
    await house.say(f"refuse run={run_id} as in INC-1", CARL)
    await house.work(lambda: bool(house.state.runs[run_id].status.ended))
    assert house.state.runs[run_id].status is RunStatus.REFUSED
    assert await sees(house, run_id, CARL)


async def test_what_is_private_is_not_even_there_for_whoever_asks_by_its_name() -> None:
    house = await two()
    runs = [await house.say(f"join incident={each}", BEN) for each in ("INC-1", "INC-99")]
    assert [each.reason for each in runs] == [
        f"There is no {n}. /incident list shows the open ones." for n in ("INC-1", "INC-99")
    ]
    private, missing = [await statuses(house, each.id, BEN) for each in runs]
    assert private == missing


async def test_what_list_says_in_the_channel_of_an_incident_is_for_who_may_know_all_of_it() -> None:
    house = await two()
    run_id = await begun_in_a_channel(house, "list", "INC-2", ADA)
    assert house.state.runs[run_id].incident_id == "INC-2"
    assert [await sees(house, run_id, each) for each in (ADA, BEN)] == [True, False]
    own = await begun_in_a_channel(house, "list", "INC-2", BEN)
    assert [await sees(house, own, each) for each in (ADA, BEN)] == [True, True]


async def test_who_takes_part_in_one_does_not_see_by_a_run_of_it_that_there_is_another() -> None:
    house = await two()
    await house.say("start private=yes sev3 checkout of both")
    await house.say("join INC-3 <@U2>")
    run = await house.say("merge incident=INC-3")
    assert SECRET in str(run.result)
    assert [await sees(house, run.id, each) for each in (ADA, BEN)] == [True, False]


async def test_whoever_takes_part_no_more_keeps_what_was_answered_and_no_run_about_it() -> None:
    house = await two()
    await house.say("join INC-1 <@U2>")
    listed, noted = await house.say("list", BEN), await house.say("note incident=INC-1 hello", BEN)
    assert [await sees(house, each.id, BEN) for each in (listed, noted)] == [True, True]
    timeline, now = house.ports.timeline, house.ports.clock.now()
    draft = Draft(Kind.LEFT, {"person": BEN.id, "name": BEN.name})
    await house.ports.store.write(lambda tx: timeline.append(tx, "INC-1", [draft], Author(BEN), now))
    assert BEN.id not in {each.id for each in fold(house.chain()).people}
    assert [await sees(house, each.id, BEN) for each in (listed, noted)] == [True, False]


async def test_what_was_refused_names_no_private_incident_to_others() -> None:
    house = await two()
    run = await house.say("merge into=INC-1 incident=INC-2")
    assert (run.status, "INC-1 is private" in run.reason) == (RunStatus.FAILED, True)
    assert [await sees(house, run.id, each) for each in (ADA, BEN)] == [True, False]


@pytest.mark.parametrize(
    "words", ["start sev3 payment same as INC-1", "merge incident=INC-2 into=INC-1", "merge incident=INC-2 into=INC-99"]
)
async def test_what_is_only_repeated_as_it_was_typed_hides_no_run(words: str) -> None:
    house = await two()
    run = await house.say(words, BEN)
    named = words.rpartition(" ")[2].removeprefix("into=")
    assert named in str([run.result, run.reason])
    assert [await sees(house, run.id, each) for each in (ADA, BEN, CARL)] == [True] * 3


async def test_the_title_of_an_incident_hides_no_run_that_repeats_it() -> None:
    house = await two()
    await house.say("start sev3 payment same as INC-1", BEN)
    run = await house.say("join incident=INC-3", CARL)
    assert "same as INC-1" in str(run.result)
    assert [await sees(house, run.id, each) for each in (ADA, BEN, CARL)] == [True] * 3


@pytest.mark.parametrize("kind", [Kind.LEFT, Kind.ROLE_SET])
async def test_what_was_told_of_a_private_one_is_no_repetition_after_who_asked_takes_no_part_any_more(
    kind: Kind,
) -> None:
    house = await two()
    await house.say("role commander <@U2> incident=INC-1")
    run = await house.say("merge into=INC-1 incident=INC-2", BEN)
    timeline, now = house.ports.timeline, house.ports.clock.now()
    facts = {"person": BEN.id, "name": BEN.name} if kind is Kind.LEFT else {"person": ADA.id, "name": ADA.name}
    draft = Draft(kind, {"role": "commander", **facts})
    await house.ports.store.write(lambda tx: timeline.append(tx, "INC-1", [draft], Author(ADA), now))
    assert (BEN.id in {each.id for each in house.incident().people}, "INC-1 is private" in run.reason) == (False, True)
    assert [await sees(house, run.id, each) for each in (ADA, BEN, CARL)] == [True, True, False]


@pytest.mark.parametrize(
    ("reader", "words", "status"),
    [
        (HERE, "start private=yes sev3 checkout slow", 422),
        (SCRIPT, "start private=yes sev3 checkout slow", 422),
        (SCRIPT, "start private=no sev3 checkout slow", 202),
        (SCRIPT, "start sev3 checkout slow", 202),
        (signed_in(ADA), "start private=yes sev3 checkout slow", 202),
    ],
)
async def test_nobody_opens_by_the_api_what_they_could_not_see(reader: Reader, words: str, status: int) -> None:
    house = desk()
    client, _ = browser(house, reader)
    async with client:
        answer = await client.post(f"{AT}/commands", json={"text": words})
    assert (answer.status_code, len(house.state.runs)) == (status, int(status == 202))
    assert status == 202 or answer.json()["detail"].startswith("Nobody could see it")


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("Open:\nINC-7 x", ["INC-7"]),
        ({"text": "a\tINC-7"}, ["INC-7"]),
        (["•INC-7", {"x": ("_inc-8_",)}], ["INC-7", "INC-8"]),
        ({"INC-7": None}, ["INC-7"]),
        ("*INC-7* postmortem-20260101-inc-8.md", ["INC-7", "INC-8"]),
        ("ZINC-7 INC-1234567890 INC-", []),
        (7, []),
        (None, []),
    ],
)
def test_an_answer_names_an_incident_wherever_its_name_stands(said: Any, names: Sequence[str]) -> None:
    assert sorted(names_in(said)) == names


async def test_a_run_is_found_by_its_id_only() -> None:
    house = desk()
    run = await house.say("list")
    seen = [await house.ports.store.read(partial(look, house, run_id=each)) for each in (run.id, "nothing", "r 1", "")]
    assert seen == [run, None, None, None]


def look(house: Desk, tx: Tx, run_id: str) -> Run | None:
    return visible_run(house.ports, tx, run_id, BEN)
