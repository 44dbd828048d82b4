"""A postmortem to take along: whole in one file, the same every time, and of nobody else's making."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace

import httpx
from fastapi import FastAPI

from bot.adapters.documents import MarkdownDocuments
from bot.domain import experience
from bot.domain.errors import PrintFailed
from bot.domain.timeline import Kind
from bot.engine.reporting import FORMAT
from handlers import exports
from tests.fakes.readers import Read
from tests.unit.web.story import Story, ports_with, whole

PNG = b"\x89PNG\r\n\x1a\n" + bytes(9)


class Printer:
    """Gives what it got; refuses when it is told why."""

    def __init__(self, why: str = "") -> None:
        self.why = why

    async def pdf(self, html: str) -> bytes:
        if self.why:
            raise PrintFailed(self.why)
        return b"%PDF-" + html.encode()


async def got(paths: Sequence[str], story: Story, *kept: tuple[str, bytes], why: str = "") -> list[httpx.Response]:
    ports, app = ports_with(story), FastAPI()
    for name, content in kept:
        await ports.artifacts.put(name, content)
    app.add_middleware(Read)
    app.include_router(exports.router(replace(ports, documents=MarkdownDocuments("http://bot")), Printer(why)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        return [await client.get(f"/incidents/{path}") for path in paths]


def with_pictures() -> tuple[Story, tuple[str, bytes], tuple[str, bytes]]:
    story, name = whole(), "users.json"
    at = experience.window(story.incident, story.now)
    count = at.length // at.step
    content = experience.write(experience.measured("checkout", at, [0.5] * count, None))
    digest = experience_sha(content)
    story.tell(Kind.ARTIFACT, name=name, sha256=digest, bytes=len(content), what=experience.WHAT)
    story.tell(Kind.VERDICT, verdict="goroutine-leak", statement="It leaks.", picture=experience_sha(PNG))
    story.tell(Kind.JUDGED, service="checkout", words="bad", trend=TREND, when="verified")
    return story, (name, content), ("proof.png", PNG)


def experience_sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


TREND = {
    "panels": [
        {"title": "errors, %", "values": [1.0, 9.0], "begins": "-9 s", "ends": "now", "beside": [1.0, 1.0]},
    ]
}


async def test_the_file_holds_its_pictures_and_needs_nothing_else() -> None:
    story, *kept = with_pictures()
    (answer,) = await got(["INC-7/postmortem.html"], story, *kept)
    text = answer.text
    assert text.count("<svg") == 3
    assert "data:image/png;base64," in text
    assert "error ratio 50 % at first" in text
    assert "<script" not in text
    assert "Content-Security-Policy" in text
    assert answer.headers["Content-Disposition"] == 'attachment; filename="postmortem-20261122-inc-7.html"'
    assert 'href="http://bot/artifacts/' in text
    assert not re.findall(r'(?:src|href)="(?!http://bot/|data:image/png)[^"]*"', text)


async def test_the_same_timeline_gives_the_same_bytes() -> None:
    story, *kept = with_pictures()
    paths = ["INC-7/postmortem.html", "INC-7/postmortem.json"]
    first, second = await got(paths, story, *kept), await got(paths, story, *kept)
    assert [each.content for each in first] == [each.content for each in second]


async def test_a_picture_that_is_gone_is_left_out() -> None:
    story, *_ = with_pictures()
    (answer,) = await got(["INC-7/postmortem.html"], story)
    assert (answer.status_code, answer.text.count("<svg")) == (200, 2)


async def test_the_json_says_what_the_pages_say() -> None:
    (answer,) = await got(["inc-7/postmortem.json"], whole())
    said = json.loads(answer.content)
    assert (said["format"], said["id"], said["severity"]) == (FORMAT, "INC-7", "SEV2")
    assert said["findings"][0]["fault_class"] == "goroutine-leak"
    assert said["recovery"]["measures"][1]["until_at"] == "2026-11-22T03:21:57.150000Z"


async def test_what_cannot_be_printed_says_what_to_do() -> None:
    (printed,) = await got(["INC-7/postmortem.pdf"], whole())
    assert (printed.status_code, printed.headers["Content-Type"]) == (200, "application/pdf")
    (refused,) = await got(["INC-7/postmortem.pdf"], whole(), why="install the extra: pip install it")
    assert refused.status_code == 503
    assert "install the extra: pip install it" in refused.text


async def test_of_an_incident_that_is_not_there_is_none() -> None:
    for answer in await got([f"INC-9/postmortem.{kind}" for kind in ("html", "pdf", "json")], whole()):
        assert answer.status_code == 404
        assert "There is no incident INC-9" in answer.text
