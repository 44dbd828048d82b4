"""The gate over HTTP: only 200 lets a deploy through, and everything else says why it does not."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.domain.errors import CommandRejected, StoreUnusable
from bot.domain.gate.policy import GatePolicy
from bot.domain.run import RunStatus, Source
from bot.engine.admission import Admission, Command
from bot.engine.runner import Runner
from handlers import gate, submissions
from handlers.loopback import LoopbackOnly
from tests.cosigned import CYCLONEDX, DIGEST, Named, cyclonedx
from tests.fakes import FakeArtifacts, FakeClock, FakeStore, fake_ports
from tests.unit.playbooks.desk import ADA, CATALOG, REGISTRY

HERE, ELSEWHERE = ("127.0.0.1", 40_000), ("203.0.113.9", 40_000)
TOKEN = "deploys-secret"
SIGNER = Named()
PROOFS = [SIGNER.image(), SIGNER.attest(CYCLONEDX, cyclonedx())]
BODY = {"service": "checkout", "release": "v1.12.3", "digest": DIGEST, "by": "Ada", "proofs": "\n".join(PROOFS)}


class Door:
    """The route as the composition root wires it, and a worker behind it."""

    def __init__(self, token: str = "", client: tuple[str, int] = HERE) -> None:
        first, *rest = CATALOG.services
        catalog = replace(CATALOG, services=(replace(first, gate=GatePolicy(("release.pub",))), *rest))
        self.ports = fake_ports(catalog)
        self.app = app = FastAPI()
        app.add_middleware(LoopbackOnly, also_public=(gate.PATH,) if token else ())
        app.include_router(gate.router(Admission(REGISTRY, self.ports), self.ports, token))
        transport = httpx.ASGITransport(app, client=client)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
        self.token = token

    async def post(self, *, works: bool = True, **given: Any) -> httpx.Response:
        """Ask, while a worker executes what is asked, if it `works`."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        asking = asyncio.create_task(self.client.post(gate.PATH, **{"headers": headers, **given}))
        runner, done = Runner(REGISTRY, self.ports), set[str]()
        while not asking.done():
            for run in self.runs if works else []:
                if run.id not in done:
                    done.add(run.id)
                    await runner.execute(run.id)
            await asyncio.sleep(0)
        return await asking

    async def say(self, playbook: str, **params: str) -> None:
        """Have something done meanwhile."""
        admitted = await Admission(REGISTRY, self.ports).admit(Command(playbook, params, ADA, Source()))
        await Runner(REGISTRY, self.ports).execute(admitted.run_id)

    def later(self, seconds: float) -> None:
        assert isinstance(self.ports.clock, FakeClock)
        self.ports.clock.at += timedelta(seconds=seconds)

    @property
    def runs(self) -> list[Any]:
        assert isinstance(self.ports.store, FakeStore)
        return list(self.ports.store.now.runs.values())


async def test_what_proves_all_may_be_deployed() -> None:
    door = Door()
    answer = await door.post(json=BODY)
    (run,) = door.runs
    assert (answer.status_code, answer.json()["allowed"]) == (200, True)
    assert answer.json()["proven"] == ["signed by release.pub", "made of 1 component, as release.pub says"]
    assert answer.json()["url"] == f"/api/v1/runs/{run.id}"
    assert (run.plan.playbook, run.actor.name) == ("gate", "Deploy gate webhook")


async def test_a_form_with_files_says_the_same() -> None:
    door = Door(TOKEN)
    files = [("proofs", ("a.jsonl", each.encode())) for each in PROOFS]
    answer = await door.post(data={key: BODY[key] for key in ("service", "release", "digest")}, files=files)
    assert (answer.status_code, answer.json()["allowed"]) == (200, True)


async def test_a_denial_is_an_answer_that_stops_a_pipeline() -> None:
    answer = await Door().post(json={**BODY, "proofs": PROOFS[1]})
    assert answer.status_code == 403
    assert answer.json()["allowed"] is False
    assert answer.json()["reasons"][0].startswith("unsigned: no signature of sha256:")


async def test_the_same_question_has_the_same_answer_and_another_one_none() -> None:
    door = Door()
    first = await door.post(json={**BODY, "id": "pipeline-7"})
    again = await door.post(json={**BODY, "id": "pipeline-7"})
    assert (first.status_code, again.json()) == (200, first.json())
    assert len(door.runs) == 1
    for change in ({"proofs": PROOFS[0]}, {"release": "v9"}, {"commit": "abc1234"}, {"by": "Ben"}):
        other = await door.post(json={**BODY, "id": "pipeline-7", **change})
        assert (other.status_code, other.json()["reasons"]) == (
            409,
            ["replayed: 'pipeline-7' was asked about something else before"],
        )
    assert [run.plan.playbook for run in door.runs] == ["gate", *["deny"] * 4]


async def test_an_answer_is_given_again_for_minutes_and_then_it_is_decided_anew() -> None:
    door = Door()
    body = {**BODY, "id": "pipeline-7"}
    first = await door.post(json=body)
    await door.say("freeze", service="checkout", reason="a migration")
    door.later(140)
    assert (await door.post(json=body)).json() == first.json()
    door.later(20)
    frozen = await door.post(json=body)
    (reason,) = frozen.json()["reasons"]
    assert (frozen.status_code, reason[:39]) == (403, "frozen: checkout is frozen: a migration")
    assert frozen.json()["run"] != first.json()["run"]
    await door.say("thaw", service="checkout")
    door.later(160)
    thawed = await door.post(json=body)
    assert (thawed.status_code, len({each["run"] for each in (first.json(), frozen.json(), thawed.json())})) == (200, 3)


@pytest.mark.parametrize(
    ("configured", "sent", "client", "status"),
    [
        ("", "", HERE, 200),
        ("", "", ELSEWHERE, 403),
        (TOKEN, TOKEN, ELSEWHERE, 200),
        (TOKEN, "", HERE, 401),
        (TOKEN, "wrong", ELSEWHERE, 401),
    ],
)
async def test_the_token_lets_in_and_without_one_this_machine_alone(
    configured: str, sent: str, client: tuple[str, int], status: int
) -> None:
    door = Door(configured, client)
    answer = await door.post(json=BODY, headers={"Authorization": f"Bearer {sent}"} if sent else {})
    assert answer.status_code == status
    assert len(door.runs) == (status == 200)
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    ("given", "status", "reason"),
    [
        ({"content": b"not json"}, 422, "malformed: the body: Invalid JSON"),
        ({"json": {**BODY, "sbom": "x" * 17_000_000}}, 413, "oversized: more than 16000000 bytes were sent"),
        ({"json": {"service": "checkout"}}, 422, "malformed: release: Field required"),
        ({"json": {**BODY, "sboms": "x"}}, 422, "malformed: sboms: "),
        ({"json": {**BODY, "service": "shop"}}, 422, "malformed: service: there is no 'shop'"),
        ({"json": {**BODY, "digest": "latest"}}, 422, "malformed: gate: digest is wrong: a digest is sha256: and 64"),
        ({"json": {**BODY, "release": "-rf"}}, 422, "malformed: gate: release is wrong"),
        ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "malformed: send it as application/json"),
        ({"files": {"proofs": b"x"}, "data": BODY}, 415, "a form is taken only where FIRSTFIVE_DEPLOYS_TOKEN is set"),
    ],
)
async def test_what_cannot_be_read_is_denied_with_where_and_why(
    given: Mapping[str, Any], status: int, reason: str
) -> None:
    door = Door()
    answer = await door.post(**{"headers": {"Content-Type": "application/json"} if "content" in given else {}, **given})
    assert answer.status_code == status
    assert answer.json()["allowed"] is False
    assert reason in answer.json()["reasons"][0]
    assert isinstance(door.ports.artifacts, FakeArtifacts)
    assert not door.ports.artifacts.kept
    (run,) = door.runs
    assert (run.plan.playbook, answer.json()["run"]) == ("deny", run.id)
    assert answer.json()["reasons"] == [f"{run.plan.params['obstacle']}: {run.plan.params['text']}"]


NAMED = {"service": "checkout", "release": "v1.12.3", "digest": DIGEST, "by": "Ada"}
SENT = json.dumps(BODY).encode()


def named(door: Door) -> dict[str, Any]:
    (run,) = door.runs
    return {key: value for key, value in run.plan.params.items() if key not in {"obstacle", "text"} and value}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (SENT[:-20], NAMED),
        (json.dumps({"proofs": "\n".join(PROOFS) * 400, **BODY, "more": ""}).encode(), NAMED),
        (json.dumps({**BODY, "service": "shop", "release": "-rf", "digest": "latest"}).encode(), {"by": "Ada"}),
        (json.dumps({"proofs": json.dumps(NAMED)}).encode(), {}),
        (json.dumps(["service", "checkout"]).encode(), {}),
        (b'{"service": "checkout", "release": "\xff\xfe"', {"service": "checkout"}),
    ],
)
async def test_what_is_denied_unread_is_recorded_by_what_can_be_made_out(body: bytes, expected: dict[str, str]) -> None:
    door = Door()
    answer = await door.post(content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert named(door) == expected


async def test_a_form_that_is_cut_is_recorded_by_what_had_come() -> None:
    door = Door(TOKEN)
    request = door.client.build_request("POST", gate.PATH, data=NAMED, files={"proofs": b"x" * 500})
    kind = {"Content-Type": request.headers["Content-Type"], "Authorization": f"Bearer {TOKEN}"}
    answer = await door.post(content=(await request.aread())[:-300], headers=kind)
    assert (answer.status_code, named(door)) == (422, NAMED)


async def test_a_body_that_breaks_off_is_a_denial_of_its_own() -> None:
    door, sent = Door(TOKEN), list[Any]()
    came = iter([{"type": "http.request", "body": SENT[:200], "more_body": True}, {"type": "http.disconnect"}])
    headers = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {TOKEN}".encode())]
    scope = {"type": "http", "method": "POST", "path": gate.PATH, "raw_path": b"/gate", "query_string": b""}

    async def receive() -> Any:
        return next(came)

    async def send(message: Any) -> None:
        sent.append(message)

    await door.app({**scope, "headers": headers, "client": ELSEWHERE}, receive, send)
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["reasons"] == ["incomplete: the body broke off after 200 bytes"]
    assert named(door) == NAMED


async def test_where_nothing_can_be_recorded_it_is_denied_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: Any) -> Any:
        raise StoreUnusable("The disk is full.")

    door = Door()
    monkeypatch.setattr(door.ports.store, "write", away)
    answer = await door.post(content=b"", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["reasons"][0][:9]) == (422, "malformed")
    assert "run" not in answer.json()


async def test_while_nothing_can_be_kept_every_denial_is_recorded_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(*_: Any) -> Any:
        raise StoreUnusable("Artifact ab12 cannot be written: No space left on device.")

    door = Door()
    monkeypatch.setattr(door.ports.artifacts, "put", full)
    answer = await door.post(json=BODY)
    (run,) = door.runs
    assert (answer.status_code, run.plan.playbook, answer.json()["run"]) == (503, "deny", run.id)
    said = "not verified: what was sent cannot be kept: Artifact ab12 cannot be written: No space left on device"
    assert answer.json()["reasons"] == [said]
    assert named(door) == NAMED


@pytest.mark.parametrize(
    "body",
    [
        b'--x\r\nContent-Disposition: form-data; name="by"\r\n\r\na\r\n' * 2 + b"--x--",
        b'--x\r\nContent-Disposition: form-data; name="by"; filename="a"\r\n\r\n\xff\r\n--x--',
        b"--x\r\nContent-Disposition: form-data; name=a",
        b"",
        b"--x\r\n\r\n\xff\r\n--x--",
        b"\xff" * 99,
    ],
)
async def test_a_form_that_is_none_is_denied(body: bytes) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x", "Authorization": f"Bearer {TOKEN}"}
    answer = await Door(TOKEN).post(content=body, headers=kind)
    assert (answer.status_code, answer.json()["allowed"]) == (422, False)


@pytest.mark.parametrize(
    "words",
    [
        "boundary*=utf-8''%E2%82%AC",
        *(
            f"boundary=x; charset={name}"
            for name in ("punycode", "undefined", "idna", "hex", "utf-99", "unicode_escape")
        ),
    ],
)
async def test_a_form_in_an_encoding_that_is_none_is_denied(words: str) -> None:
    kind = {"Content-Type": f"multipart/form-data; {words}", "Authorization": f"Bearer {TOKEN}"}
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name, value)
        for name, value in ((b"service", b"checkout"), (b"release", b"v1"), (b"by", b"\xc3\xa9\\ud800..a."))
    )
    door = Door(TOKEN)
    answer = await door.post(content=body + b"--x--", headers=kind)
    (reason,) = answer.json()["reasons"]
    assert (answer.status_code, reason[:9]) == (422, "malformed")
    assert [run.plan.playbook for run in door.runs] == ["deny"]


async def test_a_body_that_does_not_come_is_waited_for_no_longer_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    monkeypatch.setattr(submissions, "BODY_WITHIN_S", 0.01)
    answer = await Door().post(content=slowly(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["reasons"]) == (408, ["slow: the body did not come within 0 s"])


async def test_what_no_run_could_decide_is_a_denial_that_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> Any:
        raise CommandRejected("The freeze cannot be read.")

    door = Door()
    monkeypatch.setattr("bot.engine.gating.kept_freeze", breaks)
    answer = await door.post(json=BODY)
    asked, denied = door.runs
    assert (answer.status_code, asked.status, answer.json()["run"]) == (503, RunStatus.FAILED, denied.id)
    assert answer.json()["reasons"] == ["not verified: The freeze cannot be read"]
    await Runner(REGISTRY, door.ports).execute(denied.id)
    assert {key: denied.plan.params[key] for key in NAMED} == NAMED
    assert isinstance(door.ports.store, FakeStore)
    assert '"obstacle":"not verified"' in door.ports.store.now.marks["deploys:checkout"]


async def test_half_a_character_is_no_way_around_a_denial() -> None:
    door = Door()
    listed = {**cyclonedx(), "components": [{"name": "x", "version": "\ud800"}]}
    for given in (
        {"sbom": json.dumps(listed), "sbom_signature": SIGNER.blob("x")},
        {"proofs": "\n".join([PROOFS[0], SIGNER.attest(CYCLONEDX, listed)])},
    ):
        answer = await door.post(json={**BODY, **given})
        (reason,) = answer.json()["reasons"] if "sbom" in given else answer.json()["reasons"][:1]
        assert (answer.status_code, reason[:9], "surrogates not allowed" in reason) == (403, "malformed", True)
    assert {run.status for run in door.runs} == {RunStatus.REFUSED}


async def test_where_nobody_decides_the_answer_is_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.engine.gate_answers.ANSWERED_WITHIN_S", 0.0)
    monkeypatch.setattr("bot.engine.gate_answers._GRACE_S", 0.0)
    door = Door()
    answer = await door.post(json=BODY, works=False)
    assert (answer.status_code, answer.json()["allowed"]) == (503, False)
    assert answer.json()["reasons"] == ["slow: it could not be decided within 0 s"]
    assert answer.json()["run"] == door.runs[0].id
