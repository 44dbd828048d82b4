"""Nobody but who takes part sees a private incident: every surface there is, each proven to show one that is not."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.adapters.documents import MarkdownDocuments
from bot.adapters.metrics import Metrics
from bot.domain.actions import overdue
from bot.domain.run import VIA_CLOCK, RunStatus, Source
from bot.domain.timeline import FIRSTFIVE, Author, Draft, Kind, Person
from bot.engine.admission import Admission, Command
from bot.ports import Moment, Selection
from handlers import exports, operations, pages, postmortem_forms
from handlers.api.application import AT, application
from handlers.reader import LOCAL, Reader
from handlers.visible import counted, found
from tests.fakes import FakeDirectory, FakeLogs, FakePager, FakeTargets
from tests.fakes.readers import HERE, Read, signed_in
from tests.logstores.shop import TRACE, request
from tests.unit.domain.captures import cpu, goroutines, parts_of
from tests.unit.domain.go_profiles import main_frame
from tests.unit.playbooks.desk import ADA, BEN, REGISTRY, TARGETS, Desk, desk

SECRET = "payroll"
ROOT = Person("cli:root", "root")
PATHS = {
    "/": "/",
    "/measures.csv": "/measures.csv",
    "/incidents/{incident_id}": "/incidents/INC-1",
    "/incidents/{incident_id}/live": "/incidents/INC-1/live",
    "/incidents/{incident_id}/postmortem": "/incidents/INC-1/postmortem",
    "/incidents/{incident_id}/postmortem.md": "/incidents/INC-1/postmortem.md",
    "/incidents/{incident_id}/postmortem.html": "/incidents/INC-1/postmortem.html",
    "/incidents/{incident_id}/postmortem.pdf": "/incidents/INC-1/postmortem.pdf",
    "/incidents/{incident_id}/postmortem.json": "/incidents/INC-1/postmortem.json",
    "/incidents/{incident_id}/postmortem/history": "/incidents/INC-1/postmortem/history",
    "/incidents/{incident_id}/postmortem/edit/{section}": "/incidents/INC-1/postmortem/edit/luck",
    "/incidents/{incident_id}/do/{verb}": "/incidents/INC-1/do/note",
    "/runs/{run_id}": "/runs/r2",
    "/runs/{run_id}/live": "/runs/r2/live",
    "/api/v1/incidents": "/api/v1/incidents?ended=true",
    "/api/v1/incidents/{incident_id}": "/api/v1/incidents/INC-1",
    "/api/v1/incidents/{incident_id}/entries": "/api/v1/incidents/INC-1/entries",
    "/api/v1/incidents/{incident_id}/artifacts": "/api/v1/incidents/INC-1/artifacts",
    "/api/v1/incidents/{incident_id}/approvals": "/api/v1/incidents/INC-1/approvals",
    "/api/v1/incidents/{incident_id}/postmortem": "/api/v1/incidents/INC-1/postmortem",
    "/api/v1/incidents/{incident_id}/runs": "/api/v1/incidents/INC-1/runs",
    "/api/v1/runs/{run_id}": "/api/v1/runs/r1",
    "/services": "/services",
    "/services/{name}": "/services/checkout",
    "/api/v1/services": "/api/v1/services",
    "/api/v1/services/{name}": "/api/v1/services/checkout",
}
OF_A_RUN = {
    "/runs/{run_id}/targets/{target}",
    "/runs/{run_id}/targets/{target}/flames/{view}",
    "/runs/{run_id}/targets/{target}/flames/{view}.svg",
}
SECRETS = {"cpu": cpu(((main_frame(SECRET),), 90)), "goroutine": goroutines(((main_frame(SECRET),), 9))}
OF_BYTES = {"/artifacts/{sha256}"}
OF_A_TRACE = {"/runs/{run_id}/trace"}
# Commands are words, see below.
NO_SURFACE = {
    "/static/{name}",
    "/favicon.ico",
    "/api/v1/commands",
    "/api/v1/measures",
    "/api/v1/audit",
    "/drills",
    "/api/v1/drills",
}
# These take a form: tests/unit/handlers/test_postmortems.py sends one.
NO_SURFACE |= {"/incidents/{incident_id}/postmortem/review", "/incidents/{incident_id}/postmortem/publish"}
# These tell that something has changed, and not what: to who may see it, see below.
NO_SURFACE |= {"/live", "/drills/live", "/services/{name}/live", "/audit/live", "/approvals/live"}
# These name it by its number.
NUMBERED = {"/measures", "/audit"}
# They show what waits for an approval, and nothing does here: tests/integration/test_operating.py looks at them.
NO_SURFACE |= {"/approvals", "/approvals/{run_id}", "/approvals/{run_id}/live", "/declare"}
# As above: tests/unit/handlers/test_api_approvals.py looks at these.
NO_SURFACE |= {"/api/v1/approvals", "/api/v1/approvals/{run_id}"}


SAYS_NOTHING = ("live", "artifacts", "approvals", "runs")
"""Of these it counts whether they are there."""


class Plain:
    """Prints nothing: gives what it got."""

    async def pdf(self, html: str) -> bytes:
        return html.encode()


Look = Callable[[Desk, Person], Awaitable[str]]


async def opened(*, private: bool, **parts: Any) -> Desk:
    house = desk(directory=FakeDirectory({"<@U2>": BEN}), **parts)
    await house.say(f"start {'private=yes ' if private else ''}sev2 checkout {SECRET} data leaked")
    await house.say(f"note incident=INC-1 {SECRET} is in the log")
    await house.say(f"action incident=INC-1 rotate the {SECRET} keys due=2026-02-01")
    return house


def words(text: str) -> Look:
    async def look(house: Desk, by: Person) -> str:
        ended = await house.say(text, by)
        return f"{ended.result} {ended.reason}"

    return look


async def _digest(house: Desk, _: Person) -> str:
    admitted = await house.admission.admit(Command("digest", {}, FIRSTFIVE, Source(via=VIA_CLOCK), slot="digest:x:y:z"))
    await house.work(lambda: bool(house.state.runs[admitted.run_id].status.ended))
    return str(house.state.runs[admitted.run_id].result)


async def _metrics(house: Desk, _: Person) -> str:
    moment = Moment(house.ports.gauges.read(house.state, house.ports.clock.now()))
    shown = (await Metrics({}, version="1").exposition(moment))[0]
    return SECRET if b'firstfive_open_incidents{severity="SEV2"} 1.0' in shown else ""


async def _overdue(house: Desk, _: Person) -> str:
    return str(overdue(house.ports.timeline.actions(house.state), house.ports.clock.now().date()))


SURFACES: dict[str, Look] = {
    "list": words("list"),
    "list of all": words("list all"),
    "the question which": words("note hello"),
    "help": words("help"),
    "status": words("status incident=INC-1"),
    "join": words("join INC-1"),
    "merging into which": words("merge incident=INC-2"),
    "start on the same service": words("start sev3 checkout slow"),
    "a digest one asks for": words("digest"),
    "the digest of the clock": _digest,
    "metrics": _metrics,
    "overdue action items": _overdue,
}


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_stranger_sees_it_only_if_it_is_not_private(surface: str) -> None:
    for private in (False, True):
        house = await opened(private=private)
        await house.say("start sev3 payment another one", BEN)
        shown = await SURFACES[surface](house, BEN)
        assert (SECRET in shown) is not private, shown


@pytest.mark.parametrize("surface", ["list", "the question which", "help", "status"])
async def test_whoever_takes_part_sees_it(surface: str) -> None:
    house = await opened(private=True)
    assert SECRET in await SURFACES[surface](house, ADA)
    assert SECRET in await SURFACES[surface](house, ROOT)
    await house.say("join INC-1 <@U2>")
    assert SECRET in await SURFACES[surface](house, BEN)


@pytest.mark.parametrize("surface", ["list", "help", "start private=yes sev3 checkout slow", "note hello"])
async def test_what_a_run_answered_whoever_may_know_is_not_for_a_stranger(surface: str) -> None:
    for private in (False, True):
        house = await opened(private=private)
        run = await house.say(surface)
        if SECRET in str(run.result):
            asked = (browser(house, signed_in(each))[0] for each in (ADA, BEN))
            answers = [await one.get(f"{place}{run.id}") for one in asked for place in ("/runs/", f"{AT}/runs/")]
            expected = [200, 200, 404, 404] if private else [200] * 4
            assert [each.status_code for each in answers] == expected
        assert private <= (SECRET in str(run.result))


def browser(
    house: Desk, reader: Reader = HERE, stopping: Callable[[], bool] = lambda: True
) -> tuple[httpx.AsyncClient, set[str]]:
    """Give a browser of somebody, and the addresses there are."""
    app = FastAPI()
    app.add_middleware(Read, reader=reader)
    told = application(Admission(REGISTRY, house.ports), house.ports, REGISTRY)
    app.mount(AT, told)
    paths = {f"{AT}{path}" for path in told.openapi()["paths"]}
    for routes in (
        pages.router(house.ports, MarkdownDocuments(), REGISTRY, stopping),
        exports.router(house.ports, Plain()),
        postmortem_forms.router(Admission(REGISTRY, house.ports), house.ports),
        operations.router(Admission(REGISTRY, house.ports), house.ports, REGISTRY, stopping, 0.0),
    ):
        app.include_router(routes)
        paths |= {str(getattr(route, "path", "")) for route in routes.routes}
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://x")
    return client, paths


@pytest.mark.parametrize(("reader", "sees"), [(signed_in(BEN), False), (signed_in(ADA), True)])
async def test_only_to_who_takes_part_the_list_seems_to_change(reader: Reader, *, sees: bool) -> None:
    house = await opened(private=True)
    client, _ = browser(house, reader, iter([False, True]).__next__)
    async with client:
        stream = re.findall(r'data-stream="([^"]+)"', (await client.get("/")).text)[0]
        await house.say("severity sev1 incident=INC-1", ADA)
        assert ("event: changed" in (await client.get(stream)).text) is sees


def artifacts_of(house: Desk) -> Mapping[str, bytes]:
    kept: Mapping[str, bytes] = house.ports.artifacts.kept  # type: ignore[attr-defined]
    return kept


async def test_what_was_captured_in_it_is_found_by_nobody() -> None:
    for private in (False, True):
        captures = [part for each in TARGETS for part in parts_of(each.name, SECRETS)]
        house = await opened(private=private, targets=FakeTargets((), captures))
        run = await house.say("snapshot incident=INC-1")
        client, _ = browser(house)
        async with client:
            for path in OF_A_RUN:
                here = path.format(run_id=run.id, target="checkout-1", view="cpu")
                answer = await client.get(here)
                assert (answer.status_code == 200) is not private, here
                assert (SECRET in answer.text) is not private, here


@pytest.mark.parametrize(("reader", "sees"), [(HERE, False), (signed_in(BEN), False), (signed_in(ADA), True)])
async def test_a_trace_that_was_rebuilt_in_it_is_seen_by_who_takes_part(reader: Reader, *, sees: bool) -> None:
    lines = [{**each, "service": SECRET} for each in request()]
    for private in (False, True):
        house = await opened(private=private, logs=FakeLogs(*lines))
        run = await house.say(f"trace {TRACE} incident=INC-1")
        client, _ = browser(house, reader)
        async with client:
            for path in OF_A_TRACE:
                answer = await client.get(path.format(run_id=run.id))
                assert (answer.status_code == 200, SECRET in answer.text) == (sees or not private, sees or not private)


@pytest.mark.parametrize(("reader", "sees"), [(HERE, False), (signed_in(BEN), False), (signed_in(ADA), True)])
async def test_bytes_that_only_private_incidents_name_are_given_to_who_takes_part(
    reader: Reader, *, sees: bool
) -> None:
    for private in (False, True):
        captures = [part for each in TARGETS for part in parts_of(each.name, SECRETS)]
        house = await opened(private=private, targets=FakeTargets((), captures))
        for words_ in ("snapshot", "diagnose", "postmortem", "bundle"):
            ended = await house.say(f"{words_} incident=INC-1")
            assert ended.status is RunStatus.DONE, ended.reason
        digests = set(artifacts_of(house))
        assert digests > {each.sha256 for each in captures}
        client, _ = browser(house, reader)
        async with client:
            nothing = await client.get(f"/artifacts/{'0' * 64}")
            for digest in digests:
                answer = await client.get(f"/artifacts/{digest}")
                assert (answer.status_code == 200) is (sees or not private), digest
                assert answer.status_code == 200 or answer.text == nothing.text


async def test_bytes_that_another_incident_names_too_are_everybodys_but_not_if_somebody_only_types_their_digest() -> (
    None
):
    captures = [part for each in TARGETS for part in parts_of(each.name, SECRETS)]
    house = await opened(private=True, targets=FakeTargets((), captures))
    await house.say("snapshot incident=INC-1")
    digest = hashlib.sha256(captures[0].content).hexdigest()
    unnamed = await house.ports.artifacts.put("x", b"of no incident")
    client, _ = browser(house, signed_in(BEN))
    async with client:
        await house.say("start sev3 payment slow", BEN)
        await house.say(f"note incident=INC-2 {digest}", BEN)
        await house.say(f"bundle incident=INC-2 artifact={digest}", BEN)
        assert (await client.get(f"/artifacts/{digest}")).status_code == 404
        assert (await client.get(f"/artifacts/{unnamed.sha256}")).status_code == 200
        await house.say("start sev3 checkout slow", BEN)
        await house.say("snapshot incident=INC-3", BEN)
        assert (await client.get(f"/artifacts/{digest}")).content == captures[0].content


async def test_what_was_captured_in_it_is_compared_with_nothing_elsewhere_and_nobody_is_held_against_it() -> None:
    captures = [part for each in TARGETS for part in parts_of(each.name, SECRETS)]
    for private in (False, True):
        house = await opened(private=private, targets=FakeTargets((), captures))
        run = await house.say("snapshot incident=INC-1")
        missing = await house.say("diagnose checkout snapshot=nobody")
        for person in (ADA, BEN):
            ended = await house.say(f"diagnose checkout snapshot={run.id}", person)
            assert (ended.status is RunStatus.DONE) is not private, ended.reason
            assert not private or ended.reason == missing.reason.replace("nobody", run.id)
        client, _ = browser(house, signed_in(BEN))
        async with client:
            kept = re.findall(r"/artifacts/([0-9a-f]{64})", (await client.get("/services/checkout")).text)
        digests = {each.sha256 for each in captures}
        assert not private or not digests & set(kept)
        within = await house.say(f"diagnose incident=INC-1 snapshot={run.id}")
        assert within.status is RunStatus.DONE, within.reason


@pytest.mark.parametrize(("reader", "sees"), [(HERE, False), (signed_in(BEN), False), (signed_in(ADA), True)])
async def test_only_to_who_takes_part_pages_and_api_show_it(reader: Reader, *, sees: bool) -> None:
    for private in (False, True):
        client, paths = browser(await opened(private=private), reader)
        assert paths == set(PATHS) | OF_A_RUN | OF_A_TRACE | OF_BYTES | NO_SURFACE | NUMBERED
        async with client:
            for path in PATHS.values():
                answer = await client.get(path)
                there = answer.status_code == 200 and (SECRET in answer.text or path.endswith(SAYS_NOTHING))
                assert there is (sees or not private), (path, answer.status_code)


@pytest.mark.parametrize(("reader", "sees"), [(HERE, False), (signed_in(BEN), False), (signed_in(ADA), True)])
async def test_no_measure_and_no_audit_tells_others_of_it(reader: Reader, *, sees: bool) -> None:
    for private in (False, True):
        house = await opened(private=private)
        await house.say("ack incident=INC-1")
        client, _ = browser(house, reader)
        async with client:
            for path in NUMBERED:
                assert ("INC-1" in (await client.get(path)).text) is (sees or not private), path


@pytest.mark.parametrize(("person", "sees"), [(LOCAL, False), (BEN, False), (ADA, True), (ROOT, True)])
async def test_a_search_neither_gives_nor_counts_it_to_others(person: Person, *, sees: bool) -> None:
    house = await opened(private=True)
    await house.say(f"start sev3 payment {SECRET} is late", BEN)
    selection = Selection(words=[SECRET])
    rows = await house.ports.store.read(lambda tx: found(house.ports, tx, person, selection))
    assert [row.id for row in rows] == ["INC-2", "INC-1"][: 1 + sees]
    assert await house.ports.store.read(lambda tx: counted(house.ports, tx, person, selection)) == 1 + sees


@pytest.mark.parametrize("verb", ["status", "note hello", "snapshot checkout", "join", "merge into=INC-2", "cancel no"])
async def test_by_its_name_it_is_answered_like_one_that_does_not_exist(verb: str) -> None:
    house = await opened(private=True)
    ended = await house.say(f"{verb} incident=INC-1", BEN)
    missing = await house.say(f"{verb} incident=INC-99", BEN)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, missing.reason.replace("INC-99", "INC-1"))
    assert BEN.id not in {entry.actor for entry in house.chain()}


async def test_nothing_becomes_part_of_one_that_cannot_be_seen() -> None:
    house = await opened(private=True)
    await house.say("start sev3 payment slow", BEN)
    assert await house.text("merge into=INC-1 incident=INC-2", BEN) == (
        await house.text("merge into=INC-99 incident=INC-2", BEN)
    ).replace("INC-99", "INC-1")


async def test_who_takes_part_in_one_is_not_told_of_another() -> None:
    house = await opened(private=True)
    run = await house.say("start private=yes sev3 checkout something else")
    assert SECRET in run.result["text"]
    assert run.result["choices"][0]["command"] == "merge into=INC-1 incident=INC-2"
    assert SECRET not in str(house.chain("INC-2"))


async def test_the_api_cannot_give_commands_about_it() -> None:
    client, _ = browser(await opened(private=True))
    async with client:
        answer = await client.post("/api/v1/commands", json={"text": "status incident=INC-1"})
    assert answer.status_code == 404


async def test_whoever_speaks_in_its_channel_takes_part() -> None:
    house = await opened(private=True)
    timeline, now = house.ports.timeline, house.ports.clock.now()
    draft = Draft(Kind.CHANNEL_OPENED, {"channel": "C7", "name": "inc-1"})
    await house.ports.store.write(lambda tx: timeline.append(tx, "INC-1", [draft], Author(FIRSTFIVE), now))
    command = Command("status", {}, BEN, Source("C7", via="test"), incident_id="INC-1")
    run_id = (await house.admission.admit(command)).run_id
    await house.work(lambda: bool(house.state.runs[run_id].status.ended))
    assert SECRET in str(house.state.runs[run_id].result)


async def test_a_page_for_it_does_not_tell_its_title() -> None:
    house = await opened(private=True, pager=FakePager(on_call=[BEN]))
    await house.reach("mitigate")
    await house.resume_later("r1.sop")
    assert house.ports.pager.paged  # type: ignore[attr-defined]
    assert SECRET not in str(house.ports.pager.paged)  # type: ignore[attr-defined]


async def test_blanking_its_opening_keeps_it_private() -> None:
    house = await opened(private=True)
    command = Command("redact", {"entry": 1, "reason": "a name"}, ADA, Source(via="test"), incident_id="INC-1")
    run_id = (await house.admission.admit(command)).run_id
    await house.work(lambda: bool(house.incident().waiting))
    approve = Command("approve", {"run": run_id}, ROOT, Source(via="test"), incident_id="INC-1")
    await house.admission.admit(approve)
    await house.work(lambda: bool(house.state.runs[run_id].status.ended))
    assert house.chain()[0].body is None
    assert house.incident().private
    assert SECRET not in await SURFACES["list"](house, BEN)
