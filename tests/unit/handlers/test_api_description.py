"""What OpenAPI says of the API is so: each operation, as it really answers, against what is described of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import jsonschema_rs
import pytest
from fastapi import FastAPI

from bot.domain.run import Plan, Run, RunStatus, Source
from bot.domain.timeline import Kind, to_us
from bot.engine.admission import Admission
from bot.engine.fields import Rest
from bot.engine.playbook import Params, Playbook
from bot.ports import ASKED as MEMO
from handlers.api.application import AT, application
from handlers.api.description import operations
from tests.bisecting.entries import bisected
from tests.fakes import FakeStore, FakeTx
from tests.fakes.readers import Read
from tests.unit.handlers.test_drills import drill
from tests.unit.playbooks.desk import CATALOG
from tests.unit.web.story import ANA, OPENED_AT, Story, ports_with, waiting, whole


class Note(Params):
    """What to remember."""

    text: Rest


REGISTRY = {"note": Playbook("note", "Write something down.", Note)}
APP = application(Admission(REGISTRY, ports_with()), ports_with(), REGISTRY)
TOLD = APP.openapi()
OPERATIONS = {each["operationId"]: each for _, each in operations(TOLD)}
WELL = {"get": "200", "post": "202"}
ASKED: Mapping[str, tuple[str, ...]] = {
    "list_incidents": ("/incidents", "/incidents?ended=true", "/incidents?ended=true&limit=1"),
    "get_incident": ("/incidents/INC-7", "/incidents/INC-8", "/incidents/INC-9"),
    "list_entries": ("/incidents/INC-7/entries", "/incidents/INC-8/entries?limit=1", "/incidents/INC-9/entries"),
    "list_artifacts": ("/incidents/INC-7/artifacts", "/incidents/INC-9/artifacts"),
    "list_runs": ("/incidents/INC-7/runs", "/incidents/INC-9/runs"),
    "list_incident_approvals": ("/incidents/INC-11/approvals", "/incidents/INC-9/approvals"),
    "get_postmortem": ("/incidents/INC-7/postmortem", "/incidents/INC-9/postmortem"),
    "get_run": ("/runs/r1",),
    "get_measures": ("/measures", "/measures?weeks=0&severity=SEV2", "/measures?service=checkout"),
    "list_audit_entries": ("/audit", "/audit?limit=1", "/audit?about=people&incident=INC-7"),
    "get_drills": ("/drills",),
    "list_approvals": ("/approvals", "/approvals?mine=false&limit=1", "/approvals?cursor=1.1.r0"),
    "get_approval": ("/approvals/r2",),
    "list_services": ("/services", "/services?limit=1", "/services?state=unasked&words=check&frozen=false"),
    "get_service": ("/services/checkout", "/services/payment"),
}


def everything() -> FakeTx:
    """Give incidents of every sort: over, blanked, with a bisect, a drill, one with nothing but a title."""
    full = (
        whole()
        .tell(Kind.BISECTED, None, **bisected("culprit"))
        .tell(Kind.ACTION, ANA, item=1, text="x", due="2026-12-01")
    )
    stories = {"INC-7": full.blank(3), "INC-8": drill(8, "goroutine-leak", verdict_s=4.5)}
    bare = Story("INC-9").tell(Kind.OPENED, ANA, title="x", severity="SEV3", service="", warnings=["y"])
    on = drill(10, "deadlock", over=False)
    plan_asked: dict[str, Any] = {
        "run": "r1",
        "playbook": "note",
        "params": {"text": "x"},
        "steps": ["Write"],
        "measured": {"Look": "y"},
    }
    plan_asked |= {"plan": "ab" * 32, "person": ANA.id, "name": ANA.name, "expires_at": to_us(OPENED_AT)}
    asked = waiting(Story("INC-11").tell(Kind.OPENED, ANA, title="x", severity="SEV1", service="checkout"))
    asked.tell(Kind.APPROVAL_ASKED, **plan_asked)
    asked.tell(
        Kind.APPROVAL_ASKED, **{**plan_asked, "run": "r2", "expires_at": to_us(OPENED_AT + timedelta(minutes=10))}
    )
    chains = {name: story.entries for name, story in {**stories, "INC-9": bare, "INC-10": on, "INC-11": asked}.items()}
    plan = Plan("note", {"text": "x"}, ("write",))
    run = Run("r1", plan, ANA, Source(via="api"), OPENED_AT, "s", status=RunStatus.DONE, result={"text": "Noted."})
    waits = replace(run, id="r2", slot="s2", status=RunStatus.RUNNING, incident_id="INC-11", result=None)
    return FakeTx(chains=chains, runs={"r1": run, "r2": waits}, memos={"r2": {MEMO: "0"}})


async def asked(method: str, path: str, **sent: Any) -> httpx.Response:
    ports, app = replace(ports_with(), catalog=CATALOG), FastAPI()
    assert isinstance(ports.store, FakeStore)
    ports.store.now = everything()
    app.add_middleware(Read)
    app.mount(AT, application(Admission(REGISTRY, ports), ports, REGISTRY))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://127.0.0.1{AT}") as client:
        return await client.request(method, path, **sent)


def check(operation: str, status: str, media_type: str, answer: Any) -> None:
    """Hold an answer against what is described; and let nothing be told that is not."""
    schema = OPERATIONS[operation]["responses"][status]["content"][media_type]["schema"]
    whole_schema = {**schema, "components": TOLD["components"]}
    jsonschema_rs.validator_for(whole_schema, validate_formats=True).validate(answer)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
async def test_what_is_answered_is_what_is_described(operation: str) -> None:
    for path in ASKED.get(operation, ()):
        answer = await asked("GET", path)
        assert (path, answer.status_code) == (path, 200)
        check(operation, "200", "application/json", answer.json())
    if operation == "give_command":
        answer = await asked("POST", "/commands", json={"text": "note x"})
        check(operation, "202", "application/json", answer.json())
    else:
        assert operation in ASKED


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_example_is_what_is_described(operation: str) -> None:
    ((status, shown),) = [
        (status, answer["content"]["application/json"])
        for status, answer in OPERATIONS[operation]["responses"].items()
        if status in WELL.values()
    ]
    check(operation, status, "application/json", shown["example"])


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_problem_is_described_with_an_example(operation: str) -> None:
    described = OPERATIONS[operation]["responses"]
    assert {"401", "403", "503"} <= set(described)
    for status in set(described) - {"200", "202", "304"}:
        for shown in described[status]["content"]["application/problem+json"]["examples"].values():
            check(operation, status, "application/problem+json", shown["value"])
            assert str(shown["value"]["status"]) == status


async def test_a_problem_is_what_is_described() -> None:
    for method, path, sent, operation in (
        ("GET", "/incidents?limit=0", {}, "list_incidents"),
        ("GET", "/incidents/INC-99", {}, "get_incident"),
        ("POST", "/commands", {"json": {"text": 7}}, "give_command"),
        ("POST", "/commands", {"json": {"text": "nope"}}, "give_command"),
        ("POST", "/commands", {"content": "text"}, "give_command"),
        ("POST", "/commands", {"json": {"text": "x" * 70_000}}, "give_command"),
    ):
        answer = await asked(method, path, **sent)
        assert answer.headers["content-type"] == "application/problem+json"
        check(operation, str(answer.status_code), "application/problem+json", answer.json())


def test_the_description_says_which_version_it_is_written_in() -> None:
    assert TOLD["openapi"].startswith("3.1")
    assert all(each["summary"] and each["description"] for each in OPERATIONS.values())
