"""Templates of one's own: they take the place of the shipped ones, do no harm, and one that is broken says where."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.documents import MarkdownDocuments
from bot.domain.sections import SectionId
from bot.domain.timeline import Kind
from bot.settings import ConfigRefused, read
from tests.unit.web.story import ANA, BEN, Story, whole

EXTENDS = '{% extends "shipped/postmortem.md.j2" %}\n'


def written(folder: Path, template: str, story: Story) -> str:
    (folder / "postmortem.md.j2").write_text(template)
    return MarkdownDocuments(templates=str(folder)).postmortem(story.incident, story.entries)


def test_a_template_takes_the_place_of_one_section_and_keeps_the_rest(tmp_path: Path) -> None:
    story = whole()
    mine = "{% block luck %}\n## Luck\n\nAsked at {{ it.id }}'s review.\n{% endblock %}\n"
    plain = MarkdownDocuments().postmortem(story.incident, story.entries)
    assert written(tmp_path, EXTENDS + mine, story) == plain.replace(
        "## Where we got lucky\n\nNobody has said.\n", "## Luck\n\nAsked at INC-7's review.\n"
    )


def test_a_folder_without_one_leaves_the_shipped(tmp_path: Path) -> None:
    story = whole()
    plain = MarkdownDocuments().postmortem(story.incident, story.entries)
    assert MarkdownDocuments(templates=str(tmp_path)).postmortem(story.incident, story.entries) == plain
    assert MarkdownDocuments(templates=str(tmp_path)).flaw() == ""


@pytest.mark.parametrize(
    ("template", "where"),
    [
        ("# {{ it.id }}\n\n{% if %}\n", "postmortem.md.j2, line 3 is broken: Expected an expression"),
        ("# {{ it.id }}\n{{ it.nothing }}\n", "postmortem.md.j2, line 2 is broken: "),
        ("{{ it.__class__.__mro__ }}\n", "postmortem.md.j2, line 1 is broken: "),
        ("\n{{ 1 / 0 }}\n", "postmortem.md.j2, line 2 is broken: division by zero"),
        ('{% extends "../postmortem.md.j2" %}\n', "postmortem.md.j2, line 1 is broken: "),
    ],
)
def test_a_broken_one_says_where_and_the_shipped_one_is_used(tmp_path: Path, template: str, where: str) -> None:
    story = whole()
    text = written(tmp_path, template, story)
    assert f"> Written with the shipped template: {where}" in text
    assert "## What went well" in text
    assert MarkdownDocuments(templates=str(tmp_path)).flaw().startswith(where)


def test_what_people_write_is_never_a_template(tmp_path: Path) -> None:
    story = whole().tell(Kind.POSTMORTEM_TEXT, ANA, section="luck", text="{{ 7*7 }} {% for x in it %}{% endfor %}")
    for text in (written(tmp_path, EXTENDS, story), MarkdownDocuments().postmortem(story.incident, story.entries)):
        assert "{{ 7\\*7 }} {% for x in it %}{% endfor %}" in text


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = tmp_path / "firstfive.toml"
    config.write_text(f'[postmortem]\ntemplates = "{tmp_path}/nowhere"\n')
    with pytest.raises(ConfigRefused, match=r"postmortem\.templates: there is no folder"):
        read({"FIRSTFIVE_CONFIG": str(config)})


SAID = st.sampled_from([Kind.NOTE, Kind.UPDATE, Kind.IMPACT_SET, Kind.POSTMORTEM_TEXT, Kind.POSTMORTEM_REVIEWED])
TOLD = st.lists(st.tuples(SAID, st.sampled_from(SectionId), st.text(max_size=60), st.integers(0, 90_000)), max_size=8)


@settings(max_examples=25, deadline=None)
@given(TOLD)
def test_the_same_timeline_and_texts_give_the_same_bytes(told: list[tuple[Kind, SectionId, str, int]]) -> None:
    story = whole()
    for kind, section, text, later in told:
        story.later(later).tell(kind, BEN, text=text, section=section.value)
    documents = MarkdownDocuments("https://bot.example")
    first = documents.postmortem(story.incident, story.entries)
    with story.run("run-postmortem"):
        story.later(60).tell(Kind.RUN_STARTED, playbook="postmortem", params={})
        story.tell(Kind.POSTMORTEM_PUBLISHED, artifact="0" * 64, name="postmortem.md", bytes=9)
    again = MarkdownDocuments("https://bot.example").postmortem(story.incident, story.entries)
    assert again.encode() == first.encode()
    assert first.count("\n## ") == len(SectionId)
