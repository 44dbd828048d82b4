"""The pages say where an incident stands, from its timeline alone."""

import hashlib
import re
from datetime import timedelta
from html import unescape

import httpx
import pytest
from fastapi import FastAPI, Request

import playbooks
from bot.adapters.documents import MarkdownDocuments
from bot.domain.errors import StoreUnusable
from bot.domain.incident import fold
from bot.domain.run import Plan, Run, RunStatus, Source
from bot.domain.timeline import FIRSTFIVE, Kind
from bot.engine.admission import Admission
from bot.engine.playbook import load
from bot.engine.ports import Ports
from handlers import errors, operations, pages
from handlers.live import Streams
from handlers.views import IncidentView, Look, countdown, view
from tests.fakes import FakeArtifacts, FakeClock, FakeStore
from tests.fakes.readers import Read
from tests.unit.web.story import (
    ANA,
    OPENED_AT,
    Story,
    captured,
    declared,
    diagnosed,
    opened,
    ports_with,
    waiting,
    whole,
)

REGISTRY = load(playbooks)
DOCUMENTS = MarkdownDocuments()


class Looks:
    """How often the stream may look before the process stops."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __call__(self) -> bool:
        self.count -= 1
        return self.count < 0


def browser(ports: Ports, looks: int = 1) -> httpx.AsyncClient:
    app = FastAPI()
    app.add_middleware(Read)
    app.add_exception_handler(404, errors.not_found)
    app.include_router(pages.router(ports, DOCUMENTS, REGISTRY, Looks(looks)))
    app.include_router(operations.router(Admission(REGISTRY, ports), ports, REGISTRY, Looks(looks)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


async def get(path: str, *stories: Story, status: int = 200, **later: float) -> str:
    ports = ports_with(*stories)
    assert isinstance(ports.clock, FakeClock)
    ports.clock.at += timedelta(**later)
    async with browser(ports) as client:
        answer = await client.get(path)
    assert answer.status_code == status
    return answer.text


def seen(story: Story, show: str = "", order: str = "", later_s: float = 0) -> IncidentView:
    return view(story.incident, story.entries, story.now + timedelta(seconds=later_s), REGISTRY, Look(show, order))


async def test_the_list_has_open_incidents_first() -> None:
    text = await get("/", opened("search is slow", name="INC-6"), whole())
    assert text.index("search is slow") < text.index("Resolved and closed") < text.index("checkout 5xx after deploy")


async def test_the_list_draws_incidents_by_the_day_when_there_are_several() -> None:
    several = await get("/", opened("search is slow", name="INC-6"), whole())
    assert 'aria-label="incidents per day, 14 days: 2 at the end, 2 at most, from 11-09 to 11-22"' in several
    assert "http://" not in several
    assert "<svg" not in await get("/", whole())


async def test_an_empty_list_says_how_to_begin() -> None:
    assert "No incident is open." in await get("/")


async def test_the_page_shows_what_a_responder_needs() -> None:
    text = await get("/incidents/inc-7", waiting(diagnosed(captured(declared(opened())))))
    for words in (
        "checkout 5xx after deploy", "SEV2", "left, until 03:06:12 UTC", "goroutine-leak", "Ben Okafor",
        "End the goroutine that waits at main.(*watcher).publish", "A third of checkouts fails.",
        "2.4 s</span> of 1 min 29 s", "3 min 16 s", "not recorded", "diagnosis-checkout.json",
        "snapshot-checkout-20261122T030114Z.tar.gz", "3.2 MB",
    ):  # fmt: skip
        assert words in text, words


async def test_action_items_are_on_the_page_and_one_that_is_overdue_says_so() -> None:
    story = whole()
    story.tell(Kind.ACTION, ANA, item=1, text="add a <b>timeout</b>", person=ANA.id, name=ANA.name, due="2026-11-23")
    story.tell(Kind.ACTION, ANA, item=2, text="write the runbook", done="2026-11-22")
    text = await get("/incidents/INC-7", story)
    for words in ("Action items", "add a &lt;b&gt;timeout", "<td>due 2026-11-23</td>", "<td>done 2026-11-22</td>"):
        assert words in text, words
    assert "2026-11-23, overdue" in await get("/incidents/INC-7", story, days=2)
    assert "Action items" not in await get("/incidents/INC-7", whole())


async def test_a_page_needs_nothing_from_elsewhere_and_runs_nothing_inline() -> None:
    text = await get("/incidents/INC-7", whole())
    assert "http://" not in text
    assert "https://" not in text
    assert "style=" not in text
    assert text.count("<script") == 1


def test_the_clock_counts_down_then_says_that_it_is_over_then_how_it_ended() -> None:
    story = waiting(diagnosed(captured(declared(opened()))))
    assert (seen(story).clock.state, seen(story).clock.headline) == ("ahead", "3:53")
    over = seen(story, later_s=240).clock
    assert (over.state, over.headline) == ("over", "Five minutes are over")
    assert over.detail == "since 03:06:12 UTC, and it is not mitigated. Open for 5 min 6 s."
    done = seen(whole()).clock
    assert (done.state, done.headline, done.detail) == ("done", "Resolved after 23 min 56 s", "at 03:21:57 UTC")


def test_a_countdown_is_minutes_and_seconds_and_never_below_nothing() -> None:
    assert [countdown(timedelta(seconds=left)) for left in (300, 61.9, 9, 0, -5)] == [
        "5:00",
        "1:01",
        "0:09",
        "0:00",
        "0:00",
    ]


def test_phases_ahead_are_shown_with_their_budgets() -> None:
    phases = seen(declared(opened())).phases
    assert [(phase.title, phase.state) for phase in phases] == [
        ("Declare", "done"),
        ("Capture", "ahead"),
        ("Diagnose", "ahead"),
        ("Decide", "ahead"),
        ("Mitigate", "ahead"),
    ]
    running = seen(waiting(diagnosed(captured(declared(opened()))))).phases[-1]
    assert (running.state, running.spent) == ("running", "1 min 2 s")
    assert 0.20 < running.share < 0.22


def test_filters_show_what_they_say() -> None:
    story = whole()
    everything = seen(story, "everything")
    assert [line.seq for line in everything.lines] == list(range(len(story.entries), 0, -1))
    assert {each.name: each.count for each in everything.filters}["people"] == 4
    assert {line.kind for line in seen(story, "evidence").lines} == {"artifact", "finding", "verdict"}
    assert not {line.kind for line in seen(story).lines} & {"step started", "chat failed"}
    assert seen(story, "no such filter").show == "highlights"


def test_the_oldest_may_come_first_and_days_are_named_where_they_change() -> None:
    story = whole()
    story.later(86_400).tell(Kind.NOTE, ANA, text="the day after")
    lines = seen(story, "people", "oldest").lines
    assert [line.new_day for line in lines] == [True, False, False, False, True]


def test_a_phase_that_failed_is_a_highlight() -> None:
    story = declared(opened())
    with story.run("run-start.sop"):
        story.phase("capture", 60, 60, "not done within 1 min", "missing")
    assert "not done within 1 min" in seen(story).lines[0].what


def test_a_later_clean_diagnosis_is_shown_with_what_was_found_before() -> None:
    story = diagnosed(opened()).tell(
        Kind.VERDICT, FIRSTFIVE, verdict=None, statement="Nothing stands out.", artifact=""
    )
    it = seen(story)
    assert it.judged is not None
    assert it.earlier is not None
    assert (it.judged.verdict, it.earlier.verdict) == ("", "goroutine-leak")


async def test_what_is_gone_is_kept_on_the_page_with_the_time_since_when() -> None:
    story = diagnosed(opened("search is slow"))
    named = fold(story.entries)
    clean = {"statement": "Nothing stands out.", "artifact": "", "service": named.service, "clean": True}
    shown = await get("/incidents/INC-7", story.later(60).tell(Kind.VERDICT, FIRSTFIVE, verdict=None, **clean))

    assert ">was goroutine-leak</p>" in shown
    assert "<h2>Gone since " in shown
    assert named.statement in unescape(shown)
    assert "<h2>No verdict" not in shown


async def test_unknown_addresses_say_where_to_go() -> None:
    for path in ("/incidents/INC-99", "/incidents/INC-99/postmortem", "/incidents/%00", "/runs/none", "/artifacts/xyz"):
        text = await get(path, opened("search is slow"), status=404)
        assert "search is slow" in text, path
    assert "All incidents" in await get("/nowhere", status=404)


async def test_the_postmortem_is_the_document() -> None:
    story = whole()
    markdown = await get("/incidents/INC-7/postmortem.md", story)
    assert markdown == DOCUMENTS.postmortem(story.incident, story.entries)
    assert ">What went well <a" in await get("/incidents/INC-7/postmortem", story)


async def kept(content: bytes, query: str = "") -> httpx.Response:
    ports = ports_with()
    stored = await ports.artifacts.put("x", content)
    async with browser(ports) as client:
        return await client.get(f"/artifacts/{stored.sha256}{query}")


async def test_an_artifact_is_saved_under_a_harmless_name() -> None:
    answer = await kept(b"\x1f\x8b", "?name=../../etc/pass%22wd%0d%0a.tar.gz")
    assert answer.content == b"\x1f\x8b"
    assert answer.headers["content-disposition"] == 'attachment; filename="etc-pass-wd-.tar.gz"'
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_an_artifact_without_a_name_is_called_by_its_digest() -> None:
    answer = await kept(b"x", "?name=...")
    assert (
        answer.headers["content-disposition"] == f'attachment; filename="{hashlib.sha256(b"x").hexdigest()[:12]}.bin"'
    )


@pytest.mark.parametrize("content", [b"<script>alert(1)</script>", "goroutine 1 [running] ä".encode()])
async def test_text_may_be_looked_at_but_only_as_text(content: bytes) -> None:
    answer = await kept(content, "?inline=1")
    assert answer.content == content
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "content-disposition" not in answer.headers
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("content", [b"a\0b", b"\xff\xfe", b"x" * 2_000_001])
async def test_what_is_not_text_is_never_shown_inline(content: bytes) -> None:
    assert (await kept(content, "?inline=1")).headers["content-disposition"].startswith("attachment")


class DamagedArtifacts(FakeArtifacts):
    async def get(self, sha256: str) -> bytes | None:
        raise StoreUnusable(f"Artifact {sha256[:12]} is damaged.")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\0", "image/png"),
        (b"\xff\xd8\xff\xe0\0", "image/jpeg"),
        (b"GIF89a\0", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", "application/octet-stream"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>\0", "application/octet-stream"),
    ],
)
async def test_pictures_that_can_hold_no_script_may_be_looked_at(content: bytes, kind: str) -> None:
    answer = await kept(content, "?inline=1")
    assert (answer.content, answer.headers["content-type"]) == (content, kind)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_message_stands_where_it_was_said_with_its_files() -> None:
    sha256 = "ab" * 32
    files = [
        {"id": "F1", "name": "graph.png", "mimetype": "image/png", "bytes": 3, "sha256": sha256},
        {"id": "F2", "name": "huge.bin", "mimetype": "", "bytes": 9, "missing": "it is larger than allowed"},
    ]
    body = {"channel": "C1", "ts": "1.0", "text": "it began", "files": files, "permalink": "https://x.slack.com/p1"}
    story = opened().later(-60).tell(Kind.MESSAGE, **body).later(60)
    shown = seen(story, order="oldest")
    assert [line.kind for line in shown.lines[:2]] == [Kind.MESSAGE, Kind.OPENED]
    assert [one.name for one in shown.artifacts] == ["graph.png"]
    page = await get("/incidents/INC-7", story)
    assert f'<img src="/artifacts/{sha256}?inline=1" alt="graph.png"' in page
    assert "huge.bin: it is larger than allowed" in page
    assert 'href="https://x.slack.com/p1"' in page


async def test_a_damaged_artifact_is_said_to_be_so() -> None:
    ports = Ports(**{**ports_with().__dict__, "artifacts": DamagedArtifacts()})
    async with browser(ports) as client:
        answer = await client.get(f"/artifacts/{'0' * 64}")
    assert (answer.status_code, "Artifact 000000000000 is damaged." in answer.text) == (500, True)


async def test_a_run_is_shown_without_the_address_of_its_answer() -> None:
    ports = ports_with(whole())
    assert isinstance(ports.store, FakeStore)
    source = Source("C1", "general", "https://hooks.example/secret", "slack")
    run = Run(
        "r1.sop", Plan("snapshot", {"service": "checkout"}, ("look",)), ANA, source, OPENED_AT, "s", "INC-7", "r1"
    )
    ports.store.now.runs["r1.sop"] = Run(**{**run.__dict__, "status": RunStatus.FAILED, "reason": "no target answered"})
    async with browser(ports) as client:
        text = (await client.get("/runs/r1.sop")).text
    assert "no target answered" in text
    assert 'href="/incidents/INC-7"' in text
    assert "secret" not in text


async def test_the_stream_tells_once_that_there_is_news() -> None:
    ports = ports_with(whole())
    async with browser(ports, looks=3) as client:
        answer = await client.get("/incidents/INC-7/live?seen=3")
    last = len(whole().entries)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("event: changed") == 1
    assert f"id: {last}\nevent: changed\ndata: {last}\n\n" in answer.text
    assert answer.text.count(": nothing new") == 2


async def test_the_stream_goes_on_where_the_browser_left_off() -> None:
    ports = ports_with(whole())
    async with browser(ports, looks=2) as client:
        headers = {"Last-Event-ID": str(len(whole().entries))}
        answer = await client.get("/incidents/INC-7/live?seen=3", headers=headers)
    assert "event: changed" not in answer.text


@pytest.mark.parametrize("seen", ["-1", "x", "%0Aevent: changed", "9" * 300])
async def test_what_a_stream_has_not_given_out_was_not_seen(seen: str) -> None:
    async with browser(ports_with(whole())) as client:
        answer = await client.get(f"/incidents/INC-7/live?seen={seen}")
    last = len(whole().entries)
    assert answer.text == f"retry: 2000\n\nid: {last}\nevent: changed\ndata: {last}\n\n"


async def test_a_list_goes_on_from_what_the_page_shows() -> None:
    ports = ports_with(opened("search is slow", name="INC-6"))
    assert isinstance(ports.store, FakeStore)
    async with browser(ports, looks=2) as client:
        stream = re.findall(r'data-stream="([^"]+)"', (await client.get("/")).text)[0]
        assert "event: changed" not in (await client.get(stream)).text
    ports.store.now.chains["INC-7"] = whole().entries
    async with browser(ports, looks=2) as client:
        assert (await client.get(stream)).text.count("event: changed") == 1


async def test_there_is_room_for_so_many_streams() -> None:
    streams = Streams(ports_with(whole()), lambda: True, open_=64)
    answer = streams.answer(Request({"type": "http", "headers": [], "query_string": b""}), "listing", lambda _: "")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


async def test_files_of_the_pages_are_served_and_no_others() -> None:
    async with browser(ports_with()) as client:
        page = (await client.get("/")).text
        for name, media_type in (("firstfive.css", "text/css"), ("icon.svg", "image/svg+xml")):
            address = page.split(f"/static/{name}")[1].split('"')[0]
            answer = await client.get(f"/static/{name}{address}")
            assert (answer.status_code, answer.headers["content-type"]) == (200, f"{media_type}; charset=utf-8")
        assert (await client.get("/static/..%2f__init__.py")).status_code == 404
        assert (await client.get("/favicon.ico")).status_code == 200


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        (Kind.CANCELLED, {"reason": "a <load> test"}, "called off: a &lt;load&gt; test"),
        (Kind.MERGED, {"into": "INC-3", "channel": "C3"}, "part of INC-3"),
    ],
)
async def test_what_is_not_counted_says_why_instead_of_measures(kind: Kind, body: dict[str, str], told: str) -> None:
    story = opened().tell(kind, **body).tell(Kind.STATUS_SET, status="closed", was="open", text="")
    text = await get("/incidents/INC-7", story)
    assert told in text
    assert "MTTR" not in text
    postmortem = await get("/incidents/INC-7/postmortem.md", story)
    assert "it was called off, or is part of another incident" in postmortem
    assert "Never recorded" not in postmortem
