"""The list of incidents is searched, filtered and paged by its address alone."""

import re
from html import unescape

import httpx
import pytest
from fastapi import FastAPI

import playbooks
from bot.adapters.documents import MarkdownDocuments
from bot.domain.timeline import Kind
from bot.engine.playbook import load
from handlers import pages
from tests.fakes.readers import Read
from tests.unit.web.story import ANA, Story, opened, ports_with, whole

REGISTRY = load(playbooks)


def ended(name: str, title: str = "slow") -> Story:
    return opened(title, name=name).tell(Kind.STATUS_SET, ANA, status="resolved", was="open", text="")


def browser(*stories: Story) -> httpx.AsyncClient:
    app = FastAPI()
    app.add_middleware(Read)
    app.include_router(pages.router(ports_with(*stories), MarkdownDocuments(), REGISTRY, iter([False, True]).__next__))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


def ids(text: str) -> list[str]:
    return re.findall(r'<span class="id">(INC-\d+)', text)


def links(text: str) -> dict[str, str]:
    return {word: unescape(address) for address, word in re.findall(r'<a href="([^"]+)" rel="\w+">(\w+)</a>', text)}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=search", ["INC-6"]),
        ("q=SLOW+search", ["INC-6"]),
        ("q=inc-7", ["INC-7"]),
        ("q=goroutine-leak", ["INC-7"]),
        ("q=okafor", ["INC-7"]),
        ("q=%00%ed%a0%80", []),
        ("status=ongoing", ["INC-6"]),
        ("status=ended", ["INC-7"]),
        ("status=resolved", ["INC-7"]),
        ("status=nonsense", ["INC-7", "INC-6"]),
        ("severity=sev4", ["INC-6"]),
        ("service=checkout", ["INC-7", "INC-6"]),
        ("service=cart", []),
        ("drills=only", []),
        ("drills=no&q=search", ["INC-6"]),
    ],
)
async def test_finds_what_is_looked_for(query: str, found: list[str]) -> None:
    async with browser(opened("search is slow", "SEV4", name="INC-6"), whole()) as client:
        answer = await client.get(f"/?{query}")
    assert answer.status_code == 200
    assert ids(answer.text) == found
    assert f"{len(found)} incident{'' if len(found) == 1 else 's'} found" in answer.text
    assert ("Nothing fits." in answer.text) is (not found)


async def test_the_form_keeps_what_was_asked_and_shows_it_as_words() -> None:
    async with browser(whole()) as client:
        text = (await client.get("/", params={"q": '"><script>alert(1)</script>', "status": "ended"})).text
    assert "<script>alert" not in text
    assert "&#34;&gt;&lt;script&gt;alert(1)" in text
    assert '<option value="ended" selected>resolved and closed</option>' in text


async def test_pages_lead_to_each_other_until_there_are_no_more() -> None:
    async with browser(*(ended(f"INC-{number}") for number in range(1, 121))) as client:
        first = (await client.get("/")).text
        assert (len(ids(first)), ids(first)[0], set(links(first))) == (50, "INC-120", {"Older"})
        second = (await client.get(links(first)["Older"])).text
        assert (ids(second)[0], ids(second)[-1], set(links(second))) == ("INC-70", "INC-21", {"Newer", "Older"})
        third = (await client.get(links(second)["Older"])).text
        assert (ids(third)[0], ids(third)[-1], set(links(third))) == ("INC-20", "INC-1", {"Newer"})
        back = (await client.get(links(third)["Newer"])).text
        assert (ids(back), set(links(back))) == (ids(second), {"Newer", "Older"})
        newest = (await client.get(links(back)["Newer"])).text
        assert (ids(newest), set(links(newest))) == (ids(first), {"Older"})
        assert "120 incidents found" in newest


async def test_a_search_is_live_as_the_list_is() -> None:
    async with browser(whole()) as client:
        text = (await client.get("/?q=checkout&status=ended")).text
        stream = unescape(re.findall(r'data-stream="([^"]+)"', text)[0])
        assert stream.endswith("&q=checkout&status=ended")
        assert (await client.get(stream)).status_code == 200


async def test_words_too_long_are_refused() -> None:
    async with browser() as client:
        assert (await client.get("/", params={"q": "x" * 201})).status_code == 422
