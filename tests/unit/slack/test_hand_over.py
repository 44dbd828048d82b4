"""Whoever is given a role by somebody else is called in the channel, once, and told where things stand."""

from typing import Any

import pytest

from bot.adapters.slack.blocks import Around
from bot.adapters.slack.posts import Post, pending
from bot.domain.timeline import Entry, Kind
from tests.unit.slack.fake_slack import ADA, BEN, World


async def chain(*roles: dict[str, Any]) -> list[Entry]:
    world = World()
    incident_id = await world.open()
    await world.append(incident_id, Kind.NOTE, text="the <cache> is cold")
    for facts in roles:
        await world.append(incident_id, Kind.ROLE_SET, **facts)
    return world.store.now.chains[incident_id]


def posts(entries: list[Entry]) -> list[Post]:
    return pending(entries, 2, Around("http://pages"))


def words(post: Post) -> str:
    return str(post.message.blocks[0]["text"]["text"])


async def test_the_new_holder_is_called_and_told() -> None:
    entries = await chain({"role": "commander", "person": BEN.id, "name": "ben", "was": "ada"})
    (post,) = posts(entries)
    lines = words(post).splitlines()
    assert lines[0] == f"<@{BEN.id}> is *commander* now, after ada: ada handed it over."
    assert lines[1].startswith("• Status: SEV2, open")
    assert lines[-1] == "• 12:00 ada: the &lt;cache&gt; is cold"
    assert not post.in_thread


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"person": ADA.id, "name": "ada"}, "ada is *commander* now"),
        ({"person": "", "name": "", "was": "ben"}, "ada said that nobody is *commander* now"),
    ],
)
async def test_who_takes_or_gives_up_a_role_needs_no_call(facts: dict[str, Any], said: str) -> None:
    (post,) = posts(await chain({"role": "commander", **facts}))
    assert words(post) == said
    assert post.in_thread


async def test_it_tells_what_stood_when_it_was_handed_over() -> None:
    first = {"role": "commander", "person": BEN.id, "name": "ben"}
    entries = await chain(first)
    later = await chain(first, {"role": "scribe", "person": BEN.id, "name": "ben"})
    assert words(posts(later)[0]) == words(posts(entries)[0])
    assert [post.key for post in posts(later)] == ["post:3", "post:4"]


async def test_who_is_not_in_slack_is_named() -> None:
    (post,) = posts(await chain({"role": "scribe", "person": "cli:root", "name": "root"}))
    assert words(post).startswith("*root* is *scribe* now: ada handed it over.")
