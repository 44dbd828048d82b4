"""The services as the API tells of them: what their pages show, by filters and in pages, and no secret."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.domain.authority import Frozen
from bot.domain.baseline import Baselines, baseline_key
from bot.domain.deploys import Deploy, deploys_key
from bot.domain.service import Catalog, Service
from bot.engine.admission import Admission
from handlers.api.application import AT, application
from handlers.reader import Reader
from tests.fakes.readers import HERE, Read, signed_in
from tests.unit.handlers.test_services import TOKEN, baseline, house, keep
from tests.unit.playbooks.desk import ADA, BEN, REGISTRY, Desk


async def asked(made: Desk, path: str, reader: Reader = HERE, status: int = 200) -> Any:
    app = FastAPI()
    app.add_middleware(Read, reader=reader)
    app.mount(AT, application(Admission(REGISTRY, made.ports), made.ports, REGISTRY))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://127.0.0.1{AT}") as client:
        answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert TOKEN not in answer.text
    return answer.json()


async def names(made: Desk, query: str) -> list[str]:
    return [row["name"] for row in (await asked(made, f"/services?{query}"))["items"]]


async def test_each_service_is_told_with_its_targets_by_state() -> None:
    checkout, payment = (await asked(house(), "/services"))["items"]
    assert checkout["states"] == {"ill": 1, "silent": 1, "well": 1, "unasked": 1}
    assert "checkout-2: its certificate has 3 days left" in checkout["troubles"]
    assert (payment["name"], payment["states"], payment["deploy"]) == ("payment", {}, None)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [("words=CHECK", ["checkout"]), ("words=check+pay", []), ("state=ill&state=well", ["checkout"]),
     ("frozen=true", ["payment"]), ("frozen=false", ["checkout"]), ("state=ill&frozen=true", []),
     ("cursor=1", ["payment"]), ("cursor=9", [])],
)  # fmt: skip
async def test_services_are_chosen_by_what_everything_asked_for_fits(query: str, wanted: list[str]) -> None:
    made = house()
    keep(made, "frozen:payment", Frozen, Frozen("payment", "a sale", ADA, made.ports.clock.now()))
    assert await names(made, query) == wanted


async def test_they_are_given_in_pages_whatever_is_asked_for() -> None:
    made = house(Catalog(tuple(Service(f"s{number}", ()) for number in range(5))))
    for query in ("limit=2", "limit=2&frozen=false"):
        shown: list[list[str]] = []
        cursor: int | None = 0
        while cursor is not None:
            page = await asked(made, f"/services?{query}&cursor={cursor}")
            shown.append([row["name"] for row in page["items"]])
            cursor = page["next"]
        assert shown == [["s0", "s1"], ["s2", "s3"], ["s4"]]


async def test_one_is_told_with_all_that_its_page_shows() -> None:
    made = house()
    now = made.ports.clock.now()
    old = Deploy("checkout", "v1.2", now - timedelta(hours=3), "Ada", "a" * 40, "webhook", rolled_back_at=now)
    new = Deploy("checkout", "v1.3", now - timedelta(hours=2), "Ben", "b" * 40, "webhook")
    keep(made, deploys_key("checkout"), tuple[Deploy, ...], (old, new))
    seen = {name: baseline(name, revision * 40, now) for name, revision in (("checkout-1", "b"), ("checkout-2", "c"))}
    keep(made, baseline_key("checkout"), Baselines, Baselines(seen))
    await made.say("freeze checkout the sale is on")
    it = await asked(made, "/services/checkout")
    ill, silent, well, bare = it["targets"]
    assert [each["state"] for each in it["targets"]] == ["ill", "silent", "well", "unasked"]
    assert (ill["answers"]["statuses"], ill["certificate"]["is_ill"]) == ({"503": 1}, True)
    assert ill["drift"].startswith("ran ccccccc on 20")
    assert (silent["certificate"]["text"][:25], bare["answers"]) == ("its certificate ended 2 d", None)
    assert (well["baseline"]["goroutines"], well["baseline"]["profiles"]) == (41, {"cpu": "f" * 64})
    assert ([each["release"] for each in it["deploys"]], it["deploy"]["release"]) == (["v1.3", "v1.2"], "v1.3")
    assert (it["frozen"]["reason"], it["frozen"]["by"]["name"]) == ("the sale is on", "Ada")
    assert (it["standing"], it["router"], it["canary"], len(it["builds"])) == (None, "", False, 2)
    assert "is 15 min old" in it["edges"][0]["flaws"][0]


async def test_its_incidents_are_told_to_those_who_may_see_them() -> None:
    made = house()
    await made.say("start sev2 checkout answers 500")
    await made.say("start private=yes sev1 checkout keys are gone", BEN)
    for person, wanted in ((ADA, ["INC-1"]), (BEN, ["INC-2", "INC-1"])):
        it = await asked(made, "/services/checkout", signed_in(person))
        assert [each["id"] for each in it["latest"]] == wanted
        assert [each["id"] for each in it["open"]] == wanted


async def test_another_is_a_problem_that_says_so() -> None:
    assert (await asked(house(), "/services/nobody", status=404))["detail"] == "There is no service nobody."
