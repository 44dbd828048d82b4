"""The postmortem as a document: the same bytes everywhere, readable as text, safe as HTML."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.documents import MarkdownDocuments
from bot.domain.figure import Figure
from bot.domain.incident import fold
from bot.domain.sections import TITLES
from bot.domain.timeline import Entry, Kind
from tests.bisecting.entries import bisected
from tests.unit.web.story import ANA, ARCHIVE, LEAK, REPORT, Story, opened, whole

ROOT = Path(__file__).parents[2]
SECTIONS = list(TITLES.values())
PROGRAM = """
import hashlib
from bot.adapters.documents import MarkdownDocuments
from tests.unit.web.story import whole
story = whole()
print(hashlib.sha256(MarkdownDocuments().postmortem(story.incident, story.entries).encode()).hexdigest())
"""


def written(story: Story, base_url: str = "") -> str:
    return MarkdownDocuments(base_url).postmortem(story.incident, story.entries)


def test_it_has_every_section_in_order() -> None:
    assert re.findall(r"^## (.*)$", written(whole()), re.MULTILINE) == SECTIONS


def test_an_incident_of_a_moment_has_them_too() -> None:
    text = written(opened())
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    for words in ("Nothing was diagnosed.", "It is not mitigated yet.", "No artifacts were kept.", "not recorded"):
        assert words in text


@pytest.mark.parametrize(
    "settings", [{"TZ": "Asia/Kathmandu", "LC_ALL": "C"}, {"PYTHONHASHSEED": "7", "LANG": "de_DE"}]
)
def test_it_is_the_same_bytes_in_every_place(settings: dict[str, str]) -> None:
    def digest(**more: str) -> str:
        environment = {**os.environ, **more}
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    assert digest(**settings) == digest(TZ="UTC", PYTHONHASHSEED="1")


def test_what_was_written_before_is_not_given_for_a_timeline_that_is_another() -> None:
    documents, story = MarkdownDocuments(), whole()

    def texts(writer: MarkdownDocuments, entries: Sequence[Entry]) -> tuple[str, str]:
        return writer.postmortem(fold(entries), entries), writer.page(fold(entries), entries)

    first = texts(documents, story.entries)
    blanked = [
        [*story.entries[:at], replace(each, body=None), *story.entries[at + 1 :]]
        for at, each in list(enumerate(story.entries))[1:]
    ]
    for entries in (story.entries[:-1], *blanked, story.entries):
        assert texts(documents, entries) == texts(MarkdownDocuments(), entries)
    assert texts(documents, story.entries) == first
    figure = Figure("Timeline", "<p>drawn</p>", "a picture")
    assert "<p>drawn</p>" in documents.page(story.incident, story.entries, [figure])
    assert documents.page(story.incident, story.entries) == first[1]


def test_every_row_of_the_timeline_has_four_cells_and_nearly_all_a_link() -> None:
    rows = re.findall(
        r"^\| \d\d:\d\d:\d\d \|.*$", written(whole()).split("## Timeline")[1].split("## Detection")[0], re.MULTILINE
    )
    assert len(rows) == 16
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}
    assert [row for row in rows if "](/" not in row] == [
        "| 03:01:12 | FirstFive | Opened the channel #inc-7-checkout-5xx. |  |"
    ]


def test_links_lead_to_the_artifacts_below_the_base_address() -> None:
    links = set(re.findall(r"\]\(https://bot\.example/(\w+/[\w.-]+)", written(whole(), "https://bot.example/")))
    assert {f"artifacts/{sha256}" for sha256 in (ARCHIVE, LEAK, REPORT)} <= links
    assert "runs/run-start.sop" in links


def test_its_html_links_below_the_address_it_is_read_at() -> None:
    documents, story = MarkdownDocuments("https://bot.example"), whole()
    html = documents.html(documents.postmortem(story.incident, story.entries))
    assert f'<a href="/artifacts/{ARCHIVE}' in html
    assert "bot.example" not in html


def test_many_days_are_dated_in_each_row() -> None:
    story = whole()
    text = written(story.later(86_400).tell(Kind.NOTE, text="the day after"))
    assert "| 2026-11-23 03:21:57 | Ana Lima | Noted: the day after |" in text
    assert "on 2026-11-22" not in text


def test_its_html_has_a_table_for_the_timeline_and_headings() -> None:
    html = MarkdownDocuments().html(written(whole()))
    assert html.startswith("<h1>INC-7: checkout 5xx after deploy</h1>")
    assert html.count("<table>") == 9
    assert f'<a href="/artifacts/{ARCHIVE}?name=snapshot-checkout-20261122T030114Z.tar.gz">' in html


def test_html_in_a_document_does_not_survive() -> None:
    html = MarkdownDocuments().html(
        "<script>alert(1)</script> <b>x</b>\n\n[a](javascript:alert(1)) ![i](https://x.example/i)"
    )
    assert "<script" not in html
    assert "<b>" not in html
    assert "<img" not in html
    assert "href" not in html


def test_templates_cannot_be_reached_through_a_title() -> None:
    assert "7\\*7" in written(opened("{{ 7*7 }} {{ it.__class__.__mro__ }}"))


def test_a_page_marks_its_times_so_that_a_browser_can_tell_them_in_its_own() -> None:
    story, documents = whole(), MarkdownDocuments()
    page = documents.page(story.incident, story.entries)
    assert '<td><time datetime="2026-11-22T03:01:14Z">03:01:14</time></td>' in page
    assert '<p>All times are UTC, on <time datetime="2026-11-22">2026-11-22</time>.</p>' in page
    unmarked = re.sub(r"</?time[^>]*>", "", page)
    assert unmarked == documents.html(documents.postmortem(story.incident, story.entries))


def test_what_people_wrote_stands_before_what_is_generated_with_their_name_below() -> None:
    text = "A watcher was never told to stop: https://tickets.example/OPS-7.\n\n- `publish` *blocks*\n- so it leaks"
    story = whole().tell(Kind.POSTMORTEM_TEXT, ANA, section="cause", text=text)
    assert (
        "## Cause\n\n"
        "A watcher was never told to stop: <https://tickets.example/OPS-7>.\n\n"
        "- `publish` \\*blocks\\*\n"
        "- so it leaks\n\n"
        "*Ana Lima, 2026-11-22 03:21:57 UTC*\n\n"
        "**Verdict: goroutine-leak.**"
    ) in written(story)
    html = MarkdownDocuments().html(written(story))
    assert '<a href="https://tickets.example/OPS-7">https://tickets.example/OPS-7</a>.</p>' in html


@pytest.mark.parametrize(
    ("repository", "shown"),
    [
        ("https://token@github.com/acme/checkout.git", "[{0}](https://github.com/acme/checkout/commit/{1})"),
        ("git@git.acme.example:a/b/checkout.git", "[{0}](https://git.acme.example/a/b/checkout/commit/{1})"),
        ("ssh://git@git.acme.example:2222/a/checkout", "[{0}](https://git.acme.example/a/checkout/commit/{1})"),
        ("/srv/git/checkout.git", "`git show {0}`"),
        ("file:///srv/git/checkout.git", "`git show {0}`"),
    ],
)
def test_a_commit_has_a_link_to_what_it_changed_where_its_repository_is_on_the_web(repository: str, shown: str) -> None:
    story, commit = opened().tell(Kind.BISECTED, **bisected()), bisected()["made"][0]["commit"]
    text = MarkdownDocuments("", {"checkout": repository}).postmortem(story.incident, story.entries)
    assert f"- Commit {shown.format(commit[:12], commit)} by Ben Osei" in text
