"""What a timeline holds as proof is named once, with its size, and the latest of what was found twice."""

from datetime import timedelta
from typing import Any

from bot.domain.exhibits import Kept, found, kept
from bot.domain.timeline import Author, Draft, Entry, Kind, Person, link
from tests.fakes import NOON

ADA = Author(Person("U1", "Ada"), "r1")
PROFILE, ARCHIVE, DOCUMENT = "a" * 64, "b" * 64, "c" * 64


def chain(*written: tuple[Kind, dict[str, Any]]) -> list[Entry]:
    entries: list[Entry] = []
    for kind, body in written:
        at = NOON + timedelta(seconds=len(entries))
        entries.append(link("INC-7", entries[-1] if entries else None, Draft(kind, body), ADA, at))
    return entries


def finding(claim: str, target: str = "c-1") -> tuple[Kind, dict[str, Any]]:
    evidence = [{"what": "goroutines", "value": "9", "artifact": "c-1/g.pb.gz", "sha256": PROFILE, "bytes": 539}]
    body = {"fault_class": "deadlock", "target": target, "claim": claim, "fix": "", "artifact": ARCHIVE}
    return Kind.FINDING, {**body, "evidence": evidence}


def test_every_artifact_has_its_name_and_its_size() -> None:
    written = {"name": "postmortem.md", "artifact": DOCUMENT, "bytes": 11_000}
    assert kept(chain(finding("two wait"), finding("two wait"), (Kind.POSTMORTEM, written))) == (
        Kept("c-1/g.pb.gz", PROFILE, 539, "evidence of a finding"),
        Kept("postmortem.md", DOCUMENT, 11_000, "the postmortem as it was written"),
    )


def test_what_was_found_again_stands_as_it_was_found_last() -> None:
    entries = chain(finding("two wait"), finding("one waits", "c-2"), finding("three wait"))
    assert [(each.target, each.claim) for each in found(entries)] == [("c-2", "one waits"), ("c-1", "three wait")]
