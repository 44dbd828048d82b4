"""The API reads what the pages show, and a command given twice is one run; what goes wrong is a problem."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import pytest
from fastapi import FastAPI

from bot.domain.errors import StoreUnusable
from bot.domain.run import Plan, Run, RunStatus, Source
from bot.domain.service import Catalog, Service
from bot.domain.timeline import Entry, Kind, Person
from bot.engine.admission import Admission
from bot.engine.fields import Rest, ServiceName
from bot.engine.playbook import Params, Playbook
from bot.engine.ports import Ports
from bot.ports import Tx
from handlers.api.application import AT, application
from handlers.reader import LOCAL, Reader
from tests.fakes import FakeStore, FakeTx
from tests.fakes.readers import HERE, Read, signed_in
from tests.unit.web.story import ANA, BEN, LEAK, OPENED_AT, Story, ports_with, whole

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

    def __init__(self, ports: Ports, reader: Reader = HERE) -> None:
        app = FastAPI()
        app.add_middleware(Read, reader=reader)
        app.mount(AT, application(Admission(REGISTRY, ports), ports, REGISTRY))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.ports = ports
        self.client = httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1{AT}")
        assert isinstance(ports.store, FakeStore)
        self.store = ports.store

    @property
    def runs(self) -> list[Run]:
        return list(self.store.now.runs.values())

    async def get(self, path: str, status: int = 200) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == status
        return answer.json()

    async def listed(self, path: str, status: int = 200) -> Any:
        return (await self.get(path, status))["items"]

    async def command(self, status: int = 202, key: str = "", **body: Any) -> Any:
        answer = await self.client.post("/commands", json=body, headers={"Idempotency-Key": key} if key else {})
        assert answer.status_code == status
        return answer.json()

    def of(self, reader: Reader) -> "Api":
        """Give the same bot, as somebody else sees it."""
        return Api(self.ports, reader)


@pytest.fixture(scope="module")
def running() -> Api:
    return Api(Ports(**{**ports_with().__dict__, "catalog": CATALOG}))


@pytest.fixture
def bot(running: Api) -> Api:
    """Give the one bot, which remembers nothing but one incident."""
    running.store.now = FakeTx(chains={"INC-7": whole().entries})
    return running


async def test_incidents_are_listed_those_that_ended_only_if_asked(bot: Api) -> None:
    assert await bot.listed("/incidents") == []
    (row,) = await bot.listed("/incidents?ended=true")
    assert (row["id"], row["severity"], row["status"], row["service"]) == ("INC-7", "SEV2", "resolved", "checkout")
    assert (row["title"], row["opened_at"]) == ("checkout 5xx after deploy", "2026-11-22T03:01:12.250000Z")
    assert (row["verdict"], row["counts"], row["commander"]["name"]) == ("goroutine-leak", True, "Ben Okafor")
    assert row["milestones"]["detected"] == "2026-11-22T03:01:12.250000Z"


async def test_an_incident_is_its_fold_with_measures_and_findings(bot: Api) -> None:
    it = await bot.get("/incidents/inc-7")
    assert (it["severity"], it["status"], it["verdict"]) == ("SEV2", "resolved", "goroutine-leak")
    assert it["deadline_at"] == "2026-11-22T03:06:12.650000Z"
    assert it["roles"]["commander"]["name"] == "Ben Okafor"
    assert {each["name"]: each["text"] for each in it["measures"]}["MTTR"] == "23 min 56 s"
    assert it["findings"][0]["evidence"][0]["proof"]["artifact"] == LEAK


async def test_entries_are_told_and_blanked_ones_have_no_body(bot: Api) -> None:
    bot.store.now.chains["INC-7"] = whole().blank(1).entries
    entries = await bot.listed("/incidents/INC-7/entries")
    assert (entries[0]["body"], entries[0]["what"]) == (None, "(redacted)")
    assert entries[1]["body"]["milestone"] == "started"
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))


async def test_a_run_is_told_but_not_where_its_answer_goes(bot: Api) -> None:
    source = Source("C1", "general", "https://hooks.example/secret", "slack")
    run = Run("r1.sop", Plan("note", {"text": "x"}, ("write",)), ANA, source, OPENED_AT, "s", status=RunStatus.DONE)
    bot.store.now.runs["r1.sop"] = run
    told = await bot.get("/runs/r1.sop")
    assert (told["status"], told["plan"]["playbook"]) == ("done", "note")
    assert "secret" not in str(told)


@pytest.mark.parametrize(
    "path",
    ["/incidents/INC-99", "/incidents/INC-99/entries",
     "/incidents/INC-99/artifacts", "/runs/none"],
)  # fmt: skip
async def test_what_is_not_there_is_a_404_that_says_so(path: str, bot: Api) -> None:
    assert (await bot.get(path, 404))["detail"].startswith("There is no")


@pytest.mark.parametrize("path", ["/incidents/house", "/incidents/INC-7%00", "/runs/%00", "/incidents/' OR 1=1"])
async def test_what_cannot_be_a_name_is_not_there_either(path: str, bot: Api) -> None:
    assert (await bot.get(path, 404))["type"] == "urn:firstfive:problem:not-there"


async def test_a_list_is_paged_and_stays_so_while_incidents_are_added(bot: Api) -> None:
    def opened(number: int) -> list[Entry]:
        return Story(f"INC-{number}").tell(Kind.OPENED, ANA, title="x", severity="SEV3", service="").entries

    bot.store.now.chains = {f"INC-{number}": opened(number) for number in range(1, 6)}
    first = await bot.get("/incidents?limit=2")
    bot.store.now.chains["INC-6"] = opened(6)
    second = await bot.get(f"/incidents?limit=2&cursor={first['next']}")
    third = await bot.get(f"/incidents?limit=2&cursor={second['next']}")
    shown = [row["id"] for page in (first, second, third) for row in page["items"]]
    assert shown == ["INC-5", "INC-4", "INC-3", "INC-2", "INC-1"]
    assert third["next"] is None


@pytest.mark.parametrize(
    ("query", "count"),
    [("words=CHECKOUT+leak", 1), ("words=checkout+nothing", 0), ("status=resolved&status=open", 1), ("status=open", 0),
     ("severity=SEV2", 1), ("severity=SEV1&severity=SEV3", 0), ("service=checkout", 1), ("service=che", 0),
     ("drill=true", 0), ("drill=false", 1), ("cursor=7", 0), ("cursor=8", 1)],
)  # fmt: skip
async def test_a_list_is_of_what_everything_asked_for_fits(query: str, count: int, bot: Api) -> None:
    assert len(await bot.listed(f"/incidents?ended=true&{query}")) == count


async def test_entries_are_paged_and_chosen_by_kind(bot: Api) -> None:
    whole_of_it = await bot.listed("/incidents/INC-7/entries?limit=500")
    first = await bot.get("/incidents/INC-7/entries?limit=3")
    rest = await bot.listed(f"/incidents/INC-7/entries?limit=500&cursor={first['next']}")
    assert first["items"] + rest == whole_of_it
    chosen = await bot.listed("/incidents/INC-7/entries?kind=milestone")
    assert {each["kind"] for each in chosen} == {"milestone"}


@pytest.mark.parametrize(
    ("query", "where"),
    [("limit=0", "query.limit"), ("limit=501", "query.limit"), ("limit=x", "query.limit"),
     ("cursor=-1", "query.cursor"), ("cursor=1000000000", "query.cursor"), ("servise=x", "query.servise")],
)  # fmt: skip
async def test_what_is_asked_wrongly_is_named(query: str, where: str, bot: Api) -> None:
    answer = await bot.client.get(f"/incidents?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [each["where"] for each in answer.json()["errors"]] == [where]


async def test_who_has_an_answer_is_not_sent_it_again(bot: Api) -> None:
    tag = (await bot.client.get("/incidents/INC-7")).headers["etag"]
    again = await bot.client.get("/incidents/INC-7", headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    bot.store.now.chains["INC-7"] = whole().blank(1).entries
    assert (await bot.client.get("/incidents/INC-7", headers={"If-None-Match": tag})).status_code == 200


async def test_a_command_becomes_a_run(bot: Api) -> None:
    answer = await bot.command(text="note DNS is fine", incident="inc-7", key="k1")
    (run,) = bot.runs
    assert answer == {"run": run.id, "url": f"/api/v1/runs/{run.id}"}
    assert (run.plan.playbook, run.plan.params, run.incident_id) == ("note", {"text": "DNS is fine"}, "INC-7")
    assert (run.actor, run.source.via) == (LOCAL, "api")


async def test_the_same_key_and_body_twice_is_one_run_and_one_answer(bot: Api) -> None:
    first = await bot.command(text="note x", incident="INC-7", key="k1")
    assert await bot.command(incident="INC-7", text="note x", key="k1") == first
    assert len(bot.runs) == 1


@pytest.mark.parametrize(
    "body", [{"text": "note y"}, {"text": "note x INC-7", "incident": ""}, {"text": "snapshot checkout"}]
)
async def test_the_same_key_with_another_body_is_refused(body: dict[str, str], bot: Api) -> None:
    await bot.command(text="note x", incident="INC-7", key="k1")
    told = await bot.command(422, **{"incident": "INC-7", "key": "k1", **body})
    assert told["type"] == "urn:firstfive:problem:key-reused"
    assert len(bot.runs) == 1


async def test_a_key_concerns_nobody_else(bot: Api) -> None:
    people = [bot.of(signed_in(person)) for person in (ANA, BEN, Person("U01", "Eve"), Person("U01:k", "Eve"))]
    runs = {(await each.command(text="note x", incident="INC-7", key="k:k"))["run"] for each in people}
    runs.add((await people[-1].command(text="note x", incident="INC-7", key="k"))["run"])
    assert len(runs) == 5


@pytest.mark.parametrize("key", ["x" * 201, "two words", "\x7f"])
async def test_a_key_that_is_none_is_refused(key: str, bot: Api) -> None:
    (error,) = (await bot.command(422, text="note x", incident="INC-7", key=key))["errors"]
    assert error["where"] == "header.Idempotency-Key"


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
        ({"text": "note x", "incident": "INC-99"}, 404, "There is no incident INC-99."),
        ({"text": "note x", "incident": "x" * 999}, 422, "incident: String should match pattern"),
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
    assert error in (await bot.command(status, **body))["detail"]
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
    error = (await bot.command(503, text="snapshot checkout"))["detail"]
    assert told in error
    assert "`DATABASE_URL=sqlite:///break-glass.db firstfive run snapshot key=value ...`" in error


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
async def test_a_form_of_another_page_cannot_give_commands(media_type: str, bot: Api) -> None:
    content = b'{"text": "note x", "incident": "INC-7"}'
    answer = await bot.client.post("/commands", content=content, headers={"Content-Type": media_type})
    assert answer.status_code == 415
    assert bot.runs == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"text": "\xff"}', b"[" * 5_000])
async def test_broken_json_is_refused(content: bytes, bot: Api) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await bot.client.post("/commands", content=content, headers=headers)
    assert answer.status_code == 422
    assert bot.runs == []


async def test_what_breaks_is_a_problem_that_tells_no_secret() -> None:
    ports = Ports(**{**ports_with().__dict__, "store": BrokenStore(), "catalog": CATALOG})
    told = await Api(ports).get("/incidents", 500)
    assert told["type"] == "urn:firstfive:problem:bug"
    assert "hunter2" not in str(told)


class BrokenStore(FakeStore):
    """Raises what nobody expects."""

    async def read(self, act: Callable[[Tx], T]) -> T:
        del act
        raise RuntimeError("postgres://bot:hunter2@database/firstfive")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/commands", 405), ("DELETE", "/incidents", 405)]
)
async def test_where_there_is_nothing_is_a_problem_too(method: str, path: str, status: int, bot: Api) -> None:
    answer = await bot.client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status
