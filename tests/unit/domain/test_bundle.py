import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.bundle import (
    WHAT,
    Packed,
    Piece,
    artifacts,
    fitting,
    folder,
    pack,
    read_timeline,
    room,
    timeline_json,
    without_bundles,
)
from bot.domain.incident import fold
from bot.domain.timeline import Author, Draft, Entry, Kind, Person, link, verify
from tests.unit.domain.test_timeline import NOON

TOKEN = "xoxb-123456789012-abcdefghijklmnop"


def timeline(*rows: tuple[Kind, str, dict[str, Any]], title: str = "5xx after déploy!") -> list[Entry]:
    opened = (Kind.OPENED, "r1", {"title": title, "severity": "SEV2", "service": "checkout"})
    entries: list[Entry] = []
    for number, (kind, run_id, body) in enumerate((opened, *rows)):
        author = Author(Person("U1", "Ada"), run_id)
        last = entries[-1] if entries else None
        entries.append(link("INC-7", last, Draft(kind, body), author, NOON + timedelta(seconds=number)))
    return entries


def kept(name: str, content: bytes, what: str = "Snapshot") -> tuple[Kind, str, dict[str, Any]]:
    sha256 = hashlib.sha256(content).hexdigest()
    return Kind.ARTIFACT, "r2", {"name": name, "sha256": sha256, "bytes": len(content), "what": what}


def piece(name: str, content: bytes | None, size: int = 0) -> Piece:
    return Piece(name, hashlib.sha256(content or b"").hexdigest(), len(content or b"") or size, content)


def packed(entries: list[Entry], *pieces: Piece, postmortem: str = "# It") -> Packed:
    return pack(fold(entries), entries, {"postmortem.md": postmortem.encode()}, pieces, ())


def manifest(bundle: Packed) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(bundle.files["manifest.json"])
    return read


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("5xx after déploy!", "incident-20260301-inc-7-5xx-after-deploy"),
        ("ไฟไหม้ 💥", "incident-20260301-inc-7"),
        ("../../etc", "incident-20260301-inc-7-etc"),
        ("a" * 200, f"incident-20260301-inc-7-{'a' * 54}"),
    ],
)
def test_its_name_says_when_and_what(title: str, name: str) -> None:
    assert folder(fold(timeline(title=title)))[: len(name)] == name
    assert len(folder(fold(timeline(title=title)))) <= 80


def test_the_timeline_in_it_verifies_without_the_database() -> None:
    entries = timeline((Kind.NOTE, "r3", {"text": "héllo"}))
    read = read_timeline(packed(entries).files["timeline.json"])
    assert read == entries
    assert verify("INC-7", read).breaks == ()
    forged = packed(entries).files["timeline.json"].replace(b"llo", b"LLO")
    assert verify("INC-7", read_timeline(forged)).breaks != ()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"entries":[{}]}', b"\xff", b"null", b"[1"])
def test_what_is_no_timeline_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_timeline(content)


@pytest.mark.parametrize("name", ["env.txt", "trace.jsonl", "chain.json", "notes.md"])
def test_secrets_are_taken_out_and_the_chain_still_verifies(name: str) -> None:
    entries = timeline((Kind.NOTE, "r3", {"text": f"it is {TOKEN}"}))
    bundle = packed(entries, piece(name, f"T={TOKEN}".encode()), postmortem=f"# {TOKEN}")
    assert all(TOKEN.encode() not in content for content in bundle.files.values())
    read = read_timeline(bundle.files["timeline.json"])
    assert (verify("INC-7", read).breaks, verify("INC-7", read).blanked) == ((), 1)


def test_the_manifest_says_what_is_in_it() -> None:
    entries = timeline(kept("a b/../c.tar.gz", b"snap"))
    told = manifest(packed(entries, piece("a b/../c.tar.gz", b"snap")))
    assert told["timeline"] == {"entries": 2, "blanked": 0, "head": entries[-1].hash}
    [row] = told["artifacts"]
    assert row["file"] == f"artifacts/{row['sha256'][:12]}-a_b_.._c.tar.gz"
    assert told["files"][row["file"]] == {"sha256": row["sha256"], "bytes": 4}
    assert sorted(told["files"]) == [row["file"], "postmortem.md", "timeline.json"]


def test_an_artifact_that_the_store_has_lost_is_listed_as_such() -> None:
    bundle = packed(timeline(), piece("gone.tar.gz", None, 9))
    assert [row["left_out"] for row in manifest(bundle)["artifacts"]] == ["the store has lost it"]


def test_the_largest_artifacts_are_left_out_first_and_listed() -> None:
    pieces = [piece(f"{size}.gz", bytes(size)) for size in (9_000, 1_000, 5_000)]
    chosen, left_out = fitting(pieces, 10_000)
    assert (len(chosen), [each.name for each in left_out]) == (2, ["9000.gz"])
    assert [each.name for each in fitting(pieces, 5_000)[1]] == ["9000.gz", "5000.gz"]
    assert fitting(pieces, -1) == (set(), tuple(sorted(pieces, key=lambda each: -each.size)))
    bundle = pack(fold(timeline()), timeline(), {"postmortem.md": b"# It"}, pieces[1:], left_out)
    assert bundle.left_out == ("9000.gz",)
    assert "too large" in [row.get("left_out") for row in manifest(bundle)["artifacts"]]


def test_the_room_for_artifacts_is_what_the_rest_leaves() -> None:
    entries = timeline()
    used = 1_000_000 - room({"postmortem.md": b"x" * 10_000}, entries, 1_000_000)
    assert used >= 10_000 + len(timeline_json(entries))


def test_bundles_are_not_bundled_and_leave_no_trace_at_the_end() -> None:
    before = timeline(kept("s.tar.gz", b"s"), (Kind.NOTE, "r3", {"text": "x"}))
    made = (
        (Kind.RUN_STARTED, "r9", {"playbook": "bundle", "params": {}}),
        (Kind.ARTIFACT, "r9", {"name": "incident.tar.gz", "sha256": "f" * 64, "bytes": 1, "what": WHAT}),
        (Kind.RUN_ENDED, "r9", {"playbook": "bundle", "status": "done", "elapsed_s": 1.0, "reason": ""}),
    )
    entries = timeline(kept("s.tar.gz", b"s"), (Kind.NOTE, "r3", {"text": "x"}), *made)
    assert without_bundles(entries) == before
    assert [each.name for each in artifacts(entries)] == ["s.tar.gz"]
    later = timeline(kept("s.tar.gz", b"s"), (Kind.NOTE, "r3", {"text": "x"}), *made, (Kind.NOTE, "r10", {"text": "y"}))
    assert without_bundles(later) == later
    assert verify("INC-7", without_bundles(entries)).breaks == ()


def test_a_blanked_artifact_entry_names_nothing() -> None:
    entries = timeline(kept("s.tar.gz", b"s"))
    assert artifacts([entries[0], replace(entries[1], body=None)]) == ()
