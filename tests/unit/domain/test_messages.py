"""What a message's entries add up to, and what brings them to agree with the chat."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.domain.messages import (
    BY_HAND,
    ChatFile,
    ChatMessage,
    KeptFile,
    changes,
    deletion,
    picked,
    plain_mark,
    said_at,
    storable_text,
)
from bot.domain.timeline import FIRSTFIVE, Author, Draft, Entry, Kind, Person, link

BEN = Person("U2", "Ben")
WHERE = ("C1", "1700000000.000100")
TOLD = ChatMessage(*WHERE, BEN, "it is the cache", files=(ChatFile("F1", "a.png", "image/png", 3, "https://x"),))
KEPT = (KeptFile("F1", "a.png", "image/png", 3, "ab" * 32),)
NOW = datetime(2023, 11, 14, 23, 0, tzinfo=UTC)


def chain(*drafts: Draft) -> list[Entry]:
    entries: list[Entry] = []
    for draft in drafts:
        entries.append(link("INC-1", entries[-1] if entries else None, draft, Author(BEN), NOW))
    return entries


def test_it_is_put_there_at_its_own_time_as_its_author_s() -> None:
    (draft,) = changes(None, TOLD, "stopwatch", "Ada", KEPT)
    (entry,) = chain(draft)
    assert (entry.kind, entry.at, entry.actor) == (Kind.MESSAGE, datetime(2023, 11, 14, 22, 13, 20, 100, UTC), "U2")
    assert entry.facts["files"] == [
        {"id": "F1", "name": "a.png", "mimetype": "image/png", "bytes": 3, "sha256": "ab" * 32}
    ]
    assert (entry.facts["how"], entry.facts["by"]) == ("stopwatch", "Ada")


def test_what_the_timeline_has_already_is_not_put_there_again() -> None:
    known = picked(chain(*changes(None, TOLD, "stopwatch", "Ada", KEPT)), *WHERE)
    assert changes(known, TOLD, "pin", "Ben") == ()


def test_what_nobody_marks_is_left_alone() -> None:
    assert changes(None, TOLD, "", "Ada") == ()
    assert deletion(None, *WHERE) == ()


def test_a_changed_text_and_changed_files_are_told_at_their_time() -> None:
    known = picked(chain(*changes(None, TOLD, "pin", "Ada", KEPT)), *WHERE)
    edited = replace(TOLD, text="it is the router", edited_at=NOW)
    (draft,) = changes(known, edited, "pin", "Ada", KEPT)
    assert (draft.kind, draft.at, draft.actor) == (Kind.MESSAGE_EDITED, NOW, BEN)
    (draft,) = changes(known, replace(TOLD, files=()), "pin", "Ada")
    assert draft.body["files"] == []


def test_the_last_mark_taken_off_is_told_and_a_new_mark_puts_it_back() -> None:
    drafts = changes(None, TOLD, "pin", "Ada", KEPT)
    (removed,) = changes(picked(chain(*drafts), *WHERE), TOLD, "", "Ben")
    assert (removed.body["why"], removed.actor) == ("unmarked", None)
    off = picked(chain(*drafts, removed), *WHERE)
    assert off is not None
    assert not off.on
    assert changes(off, TOLD, "", "Ben") == ()
    assert [draft.kind for draft in changes(off, TOLD, "pin", "Ben", KEPT)] == [Kind.MESSAGE]


def test_what_somebody_put_there_by_hand_needs_no_mark() -> None:
    known = picked(chain(*changes(None, TOLD, BY_HAND, "Ada", KEPT)), *WHERE)
    assert changes(known, TOLD, "", "Ben") == ()


def test_a_deletion_is_told_once_and_by_nobody_in_particular() -> None:
    drafts = changes(None, TOLD, "pin", "Ada", KEPT)
    (deleted,) = deletion(picked(chain(*drafts), *WHERE), *WHERE)
    assert (deleted.body["why"], deleted.actor) == ("deleted", FIRSTFIVE)
    assert deletion(picked(chain(*drafts, deleted), *WHERE), *WHERE) == ()


def test_a_blanked_message_does_not_come_back() -> None:
    entries = [replace(entry, body=None) for entry in chain(*changes(None, TOLD, "pin", "Ada", KEPT))]
    known = picked(entries, *WHERE)
    assert changes(known, TOLD, "pin", "Ben", KEPT) == ()
    assert deletion(known, *WHERE) == ()


def test_other_messages_of_the_timeline_do_not_count() -> None:
    entries = chain(Draft(Kind.NOTE, {"text": "x"}), *changes(None, TOLD, "pin", "Ada", KEPT))
    assert picked(entries, "C1", "1700000000.000200") is None
    assert picked(entries, "C2", WHERE[1]) is None


def test_secrets_are_taken_out_and_long_texts_cut() -> None:
    assert "hunter2hunter2" not in storable_text("password=hunter2hunter2")
    assert len(storable_text("a b " * 2_000)) == 4_000


def test_marks_have_no_skin_and_times_no_rounding() -> None:
    assert plain_mark("stopwatch::skin-tone-3") == "stopwatch"
    assert said_at("1700000000.123457").microsecond == 123457
