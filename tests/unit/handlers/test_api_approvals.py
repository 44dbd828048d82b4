"""What waits for a second person, as the API tells it: first what whoever asks can approve, and only what is theirs."""

from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.domain.timeline import Person
from bot.engine.admission import Admission
from handlers.api.application import AT, application
from handlers.reader import Reader
from tests.fakes.readers import Read, signed_in
from tests.unit.playbooks.desk import ADA, BEN, REGISTRY, Desk, desk

ROBOT = Person("token:U2", "a script")


async def waiting(*incidents: str, private: bool = False) -> tuple[Desk, list[str]]:
    """Give a desk where each of these people asks for a redaction in an incident of their own; with the runs."""
    house, runs = desk(), []
    for number, who in enumerate(incidents, 1):
        by = ADA if who == "ada" else BEN
        await house.say(f"start sev3 {'private=yes ' if private else ''}something is slow", by)
        named, incident_id = {"entry": 1, "reason": "a name"}, f"INC-{number}"
        runs.append(await house.begin("redact", named, by, incident_id))
        await house.work(partial(_is_waiting, house, incident_id))
        house.later(1)
    return house, runs


def _is_waiting(house: Desk, incident_id: str) -> bool:
    return bool(house.incident(incident_id).waiting)


async def asked(house: Desk, path: str, reader: Reader, status: int = 200) -> Any:
    app = FastAPI()
    app.add_middleware(Read, reader=reader)
    app.mount(AT, application(Admission(REGISTRY, house.ports), house.ports, REGISTRY))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://127.0.0.1{AT}") as client:
        answer = await client.get(f"/approvals{path}")
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_what_one_can_approve_is_first_and_the_rest_says_why_not() -> None:
    house, (of_ada, of_ben, again) = await waiting("ada", "ben", "ada")
    told = (await asked(house, "", signed_in(BEN)))["items"]
    assert [each["run_id"] for each in told] == [of_ada, again, of_ben]
    assert [each["why_not"][:30] for each in told] == ["", "", "You asked for redact entry=1 r"]
    assert (told[0]["incident_id"], told[0]["url"]) == ("INC-1", f"/approvals/{of_ada}")
    script = (await asked(house, "", Reader(ROBOT, signed_in(BEN).way)))["items"]
    assert ["must be known" in each["why_not"] for each in script] == [True, True, True]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [("mine=true", [0, 2]), ("mine=false", [1]), ("playbook=redact", [0, 2, 1]), ("playbook=rollback", []),
     ("service=checkout", [])],
)  # fmt: skip
async def test_it_is_chosen_by_what_everything_asked_for_fits(query: str, wanted: list[int]) -> None:
    house, runs = await waiting("ada", "ben", "ada")
    told = (await asked(house, f"?{query}", signed_in(BEN)))["items"]
    assert [runs.index(each["run_id"]) for each in told] == wanted


async def test_it_is_given_in_pages_that_what_is_decided_meanwhile_does_not_move() -> None:
    house, (of_ada, of_ben, again) = await waiting("ada", "ben", "ada")
    first = await asked(house, "?limit=1", signed_in(BEN))
    await house.run("approve", {"run": of_ada}, BEN)
    second = await asked(house, f"?limit=1&cursor={first['next']}", signed_in(BEN))
    third = await asked(house, f"?limit=1&cursor={second['next']}", signed_in(BEN))
    shown = [each["run_id"] for page in (first, second, third) for each in page["items"]]
    assert (shown, third["next"]) == ([of_ada, again, of_ben], None)


async def test_one_is_told_when_it_was_decided_too() -> None:
    house, (run_id,) = await waiting("ada")
    assert (await asked(house, f"/{run_id}", signed_in(BEN)))["decided"] is None
    await house.run("refuse", {"run": run_id}, BEN)
    told = await asked(house, f"/{run_id}", signed_in(BEN))
    assert (told["decided"], told["decided_by"]["name"]) == ("refused", "Ben")
    assert (await asked(house, "", signed_in(BEN)))["items"] == []


async def test_of_a_private_incident_nothing_is_told_to_others() -> None:
    house, (run_id,) = await waiting("ada", private=True)
    assert [each["run_id"] for each in (await asked(house, "", signed_in(ADA)))["items"]] == [run_id]
    assert (await asked(house, f"/{run_id}", signed_in(ADA)))["incident_id"] == "INC-1"
    assert (await asked(house, "", signed_in(BEN)))["items"] == []
    missing = (await asked(house, "/none", signed_in(BEN), 404))["detail"]
    assert (await asked(house, f"/{run_id}", signed_in(BEN), 404))["detail"] == missing.replace("none", run_id)
