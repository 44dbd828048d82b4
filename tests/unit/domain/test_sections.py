"""What people write into a postmortem: versioned beside what is generated, read as text and never as anything else."""

from bot.domain.postmortem import compose
from bot.domain.sections import TITLES, Piece, SectionId, Shape, latest, pieces, sections, texts
from bot.domain.timeline import Kind
from tests.unit.web.story import ANA, BEN, Story, whole


def wrote(story: Story, text: str, section: SectionId = SectionId.SUMMARY, by: str = "ana") -> Story:
    person = ANA if by == "ana" else BEN
    with story.run(f"run-write-{len(story.entries)}", person):
        story.later(60).tell(Kind.RUN_STARTED, playbook="postmortem", params={})
        story.tell(Kind.POSTMORTEM_TEXT, section=section.value, text=text)
    return story


def test_every_section_is_there_in_order_with_its_latest_text() -> None:
    story = wrote(wrote(wrote(whole(), "first"), "luck", SectionId.LUCK), "second", by="ben")
    found = sections(story.entries)
    assert [each.title for each in found] == list(TITLES.values())
    told = {each.id: (each.text.text, each.text.version, each.text.by) for each in found if each.text}
    assert told == {"summary": ("second", 2, BEN.name), "luck": ("luck", 1, ANA.name)}
    assert [(each.section, each.version) for each in texts(story.entries)] == [
        ("summary", 1),
        ("luck", 1),
        ("summary", 2),
    ]


def test_an_empty_text_takes_the_one_before_away_and_counts_as_a_version() -> None:
    story = wrote(wrote(whole(), "first"), "")
    assert [each.text for each in sections(story.entries)] == [None] * len(TITLES)
    last = latest(story.entries, SectionId.SUMMARY)
    assert last is not None
    assert (last.version, last.text, last.seq) == (2, "", len(story.entries))
    assert latest(story.entries, SectionId.LUCK) is None


def test_a_blanked_text_is_gone_and_the_one_before_it_counts_again() -> None:
    story = wrote(wrote(whole(), "first"), "a secret")
    story.blank(len(story.entries))
    assert [each.text for each in texts(story.entries)] == ["first"]


def test_what_people_write_changes_nothing_that_is_generated() -> None:
    before = compose(whole().incident, whole().entries)
    story = wrote(whole(), "It was the watcher.")
    after = compose(story.incident, story.entries)
    assert after.sections != before.sections
    assert {**after.__dict__, "sections": before.sections} == before.__dict__


def test_text_is_read_as_paragraphs_lists_and_code() -> None:
    text = "One\ntwo.\n\n- a\n* b\n1. c\n2) d\n\nend\n```\n# x\n\ny\n```\nafter"
    assert pieces(text) == (
        Piece(Shape.TEXT, ("One", "two.")),
        Piece(Shape.LIST, ("a", "b")),
        Piece(Shape.STEPS, ("c", "d")),
        Piece(Shape.TEXT, ("end",)),
        Piece(Shape.CODE, ("# x", "", "y")),
        Piece(Shape.TEXT, ("after",)),
    )
    assert pieces("```\nnever ended") == (Piece(Shape.CODE, ("never ended",)),)
    assert pieces(" \n\n") == ()
