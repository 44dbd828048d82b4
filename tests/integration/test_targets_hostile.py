"""Five megabytes made to choke patterns and parsers, through the whole capture and into the archive."""

import gzip
from datetime import UTC, datetime

from bot.adapters.archive import pack
from bot.adapters.targets import Caps, HttpTargets
from bot.domain.examination import examine
from bot.domain.service import Target
from bot.domain.snapshot import DUMP, GOROUTINE, PartStatus, manifest
from tests.unit.adapters.hostile import serving, whole
from tests.unit.domain.captures import IDLE, goroutines
from tests.unit.domain.go_profiles import dump, main_frame
from tests.unit.domain.test_redaction import HOSTILE, SECRETS

MEGABYTES_5 = 5_000_000


async def test_a_hostile_dump_is_captured_examined_and_packed_without_its_secrets() -> None:
    each = MEGABYTES_5 // len(HOSTILE)
    planted = "\n\n".join(text.format(secret) for _, secret, text in SECRETS)
    pieces = [piece * (each // len(piece)) for piece in HOSTILE]
    text = dump(("select", [main_frame("a")])) + b"\n" + "\n\n".join([*pieces, planted]).encode() + b"\n"
    async with serving({GOROUTINE.path: whole(goroutines(*IDLE)), DUMP.path: whole(text)}) as base:
        parts = await HttpTargets(caps=Caps(budget_s=60)).capture(Target("a", "checkout", base), [GOROUTINE, DUMP])
    archive = gzip.decompress(pack(manifest("checkout", datetime(2026, 3, 1, tzinfo=UTC), parts), parts))

    assert [part.status for part in parts] == [PartStatus.OK, PartStatus.OK]
    assert not [secret for _, secret, _ in SECRETS if len(secret) > 10 and secret.encode() in archive]
    assert b"hunter2" not in archive
    assert examine(parts).goroutines == 10
