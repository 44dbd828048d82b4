"""The API reads what the pages show, and a command given twice is one run."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import pytest
from fastapi import FastAPI

from bot.domain.errors import StoreUnusable
from bot.domain.run import Plan, Run, RunStatus, Source
from bot.domain.service import Catalog, Service
from bot.engine.admission import Admission
from bot.engine.fields import Rest, ServiceName
from bot.engine.playbook import Params, Playbook
from bot.engine.ports import Ports
from bot.ports import Tx
from handlers import api
from handlers.reader import LOCAL
from tests.fakes import FakeStore, FakeTx
from tests.fakes.readers import Read
from tests.unit.web.story import ANA, LEAK, OPENED_AT, ports_with, whole

T = TypeVar("T")


class Note(Params):
    """What to remember."""

    text: Rest


class Snapshot(Params):
    """Of what."""

    service: ServiceName


REGISTRY = {
    "note": Playbook("note", "Write something down.", Note, needs_incident=True),
    "snapshot": Playbook("snapshot", "Capture.", Snapshot),
}

CATALOG = Catalog((Service("checkout", ()),))


class Api:
    """A client, and what the bot behind it remembers."""

    def __init__(self, ports: Ports) -> None:
        app = FastAPI()
        app.add_middleware(Read)
        app.include_router(api.router(Admission(REGISTRY, ports), ports, REGISTRY))
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")
        assert isinstance(ports.store, FakeStore)
        self.store = ports.store

    @property
    def runs(self) -> list[Run]:
        return list(self.store.now.runs.values())

    async def get(self, path: str, status: int = 200) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == status
        return answer.json()

    async def command(self, status: int = 202, **body: Any) -> Any:
        answer = await self.client.post("/api/commands", json=body)
        assert answer.status_code == status
        return answer.json()


@pytest.fixture(scope="module")
def running() -> Api:
    return Api(Ports(**{**ports_with().__dict__, "catalog": CATALOG}))


@pytest.fixture
def bot(running: Api) -> Api:
    """Give the one bot, which remembers nothing but one incident."""
    running.store.now = FakeTx(chains={"INC-7": whole().entries})
    return running


async def test_incidents_are_listed_those_that_ended_only_if_asked(bot: Api) -> None:
    assert await bot.get("/api/incidents") == []
    (row,) = await bot.get("/api/incidents?ended=true")
    assert (row["id"], row["severity"], row["status"], row["service"]) == ("INC-7", "SEV2", "resolved", "checkout")
    assert (row["title"], row["opened_at"]) == ("checkout 5xx after deploy", "2026-11-22T03:01:12.250000Z")
    assert (row["verdict"], row["counts"], row["commander"]["name"]) == ("goroutine-leak", True, "Ben Okafor")
    assert row["milestones"]["detected"] == "2026-11-22T03:01:12.250000Z"


async def test_an_incident_is_its_fold_with_measures_and_findings(bot: Api) -> None:
    it = await bot.get("/api/incidents/inc-7")
    assert (it["severity"], it["status"], it["verdict"]) == ("SEV2", "resolved", "goroutine-leak")
    assert it["deadline_at"] == "2026-11-22T03:06:12.650000Z"
    assert it["roles"]["commander"]["name"] == "Ben Okafor"
    assert {each["name"]: each["text"] for each in it["measures"]}["MTTR"] == "23 min 56 s"
    assert it["findings"][0]["evidence"][0]["proof"]["artifact"] == LEAK


async def test_entries_are_told_and_blanked_ones_have_no_body(bot: Api) -> None:
    bot.store.now.chains["INC-7"] = whole().blank(1).entries
    entries = await bot.get("/api/incidents/INC-7/entries")
    assert (entries[0]["body"], entries[0]["what"]) == (None, "(redacted)")
    assert entries[1]["body"]["milestone"] == "started"
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))


async def test_a_run_is_told_but_not_where_its_answer_goes(bot: Api) -> None:
    source = Source("C1", "general", "https://hooks.example/secret", "slack")
    run = Run("r1.sop", Plan("note", {"text": "x"}, ("write",)), ANA, source, OPENED_AT, "s", status=RunStatus.DONE)
    bot.store.now.runs["r1.sop"] = run
    told = await bot.get("/api/runs/r1.sop")
    assert (told["status"], told["plan"]["playbook"]) == ("done", "note")
    assert "secret" not in str(told)


@pytest.mark.parametrize(
    "path",
    ["/api/incidents/INC-99", "/api/incidents/house", "/api/incidents/INC-7%00", "/api/incidents/INC-99/entries",
     "/api/runs/none", "/api/runs/%00", "/api/incidents/' OR 1=1"],
)  # fmt: skip
async def test_what_is_not_there_is_a_404_that_says_so(path: str, bot: Api) -> None:
    assert (await bot.get(path, 404))["error"].startswith("There is no")


async def test_a_command_becomes_a_run(bot: Api) -> None:
    answer = await bot.command(text="note DNS is fine", incident="inc-7", key="k1")
    (run,) = bot.runs
    assert answer == {"run": run.id, "fresh": True, "url": f"/api/runs/{run.id}"}
    assert (run.plan.playbook, run.plan.params, run.incident_id) == ("note", {"text": "DNS is fine"}, "INC-7")
    assert (run.actor, run.source.via) == (LOCAL, "api")


async def test_the_same_key_twice_is_one_run(bot: Api) -> None:
    first = await bot.command(text="note x", incident="INC-7", key="k1")
    second = await bot.command(text="note x", incident="INC-7", key="k1")
    assert (second["run"], second["fresh"]) == (first["run"], False)
    assert len(bot.runs) == 1


async def test_without_a_key_each_is_its_own(bot: Api) -> None:
    await bot.command(text="snapshot checkout")
    await bot.command(text="snapshot checkout")
    assert len({run.slot for run in bot.runs}) == 2


async def test_the_incident_may_stand_in_the_text(bot: Api) -> None:
    await bot.command(text="note INC-7 it is DNS")
    assert bot.runs[0].incident_id == "INC-7"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"text": "nope x"}, 422, "I don't know `nope`"),
        ({"text": "notr x"}, 422, "Did you mean `/incident note`?"),
        ({"text": "note"}, 422, "`note` needs a text"),
        ({"text": "snapshot chekout"}, 422, "Did you mean `checkout`?"),
        ({"text": "note INC-7 x", "incident": "INC-8"}, 422, "names INC-7 and `incident` names INC-8"),
        ({"text": "note x", "incident": "INC-99"}, 404, "There is no INC-99."),
        ({"text": "note x", "incident": "x" * 999}, 404, "There is no XXXXXXXXXXXXXXXXXXXX."),
        ({}, 422, "text: Field required."),
        ({"text": 7}, 422, "text: Input should be a valid string."),
        ({"text": "note x", "surprise": 1}, 422, "surprise: Extra inputs are not permitted."),
        ({"text": "x" * 8_001}, 422, "text: String should have at most 8000 characters."),
        ({"text": "x" * 70_000}, 413, "The body is longer than 64000 bytes."),
    ],
)
async def test_wrong_words_are_refused_with_what_would_be_right(
    body: dict[str, Any], status: int, error: str, bot: Api
) -> None:
    assert error in (await bot.command(status, **body))["error"]
    assert bot.runs == []


class AilingStore(FakeStore):
    """Says why it cannot write, or says nothing."""

    def __init__(self, ailment: str) -> None:
        super().__init__()
        self.ailment = ailment

    async def write(self, act: Callable[[Tx], T]) -> T:
        del act
        if not self.ailment:
            await asyncio.sleep(60)
        raise StoreUnusable(self.ailment)


@pytest.mark.parametrize(
    ("ailment", "told"), [("The disk is full.", "was not recorded: The disk is full."), ("", "perhaps not recorded")]
)
async def test_a_command_that_cannot_be_kept_is_answered_with_what_to_do(
    ailment: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.engine.admission._PATIENCE_S", 0.05)
    bot = Api(Ports(**{**ports_with().__dict__, "store": AilingStore(ailment), "catalog": CATALOG}))
    error = (await bot.command(503, text="snapshot checkout"))["error"]
    assert told in error
    assert "`DATABASE_URL=sqlite:///break-glass.db firstfive run snapshot key=value ...`" in error


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
async def test_a_form_of_another_page_cannot_give_commands(media_type: str, bot: Api) -> None:
    content = b'{"text": "note x", "incident": "INC-7"}'
    answer = await bot.client.post("/api/commands", content=content, headers={"Content-Type": media_type})
    assert answer.status_code == 415
    assert bot.runs == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"text": "\xff"}', b"[" * 5_000])
async def test_broken_json_is_refused(content: bytes, bot: Api) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await bot.client.post("/api/commands", content=content, headers=headers)
    assert answer.status_code == 422
    assert bot.runs == []
