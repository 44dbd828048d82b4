import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.costs import ProfileMalformed
from bot.domain.profile import decode
from bot.domain.protobuf import field_bytes
from bot.domain.stacks import Frame, own_frame
from tests.unit.domain.go_profiles import CPU, HEAP, main_frame, profile, raw_profile

NAMES = st.sampled_from(["main.a", "main.b", "runtime.mallocgc", "net/http.(*conn).serve", "example.com/x.(*T).M"])
FRAMES = st.builds(Frame, NAMES, st.sampled_from(["/src/a.go", "/src/b.go"]), st.integers(0, 5000))
SCATTERED = b"".join(field_bytes(number, 1) for number in range(20, 20_000))
SAMPLES = st.lists(
    st.tuples(
        st.lists(FRAMES, max_size=8),
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**40)),
        st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5), max_size=2),
    ),
    max_size=6,
)


@settings(max_examples=20, deadline=None)
@given(SAMPLES, st.sampled_from([gzip.compress, bytes]))
def test_what_was_written_is_read(
    samples: list[tuple[list[Frame], tuple[int, int], dict[str, str]]], pack: Callable[[bytes], bytes]
) -> None:
    raw = raw_profile(CPU, samples, build_id="abc", seconds=2)
    found = decode(pack(raw))

    assert [(list(each.stack), each.values, dict(each.labels)) for each in found.samples] == samples
    assert (found.build_id, found.duration_ns) == ("abc", 2_000_000_000)
    assert found.total("cpu") == sum(values[1] for _, values, _ in samples)


@settings(max_examples=20, deadline=None)
@given(SAMPLES)
def test_flat_costs_add_up_to_the_total_of_all_samples_with_a_stack(
    samples: list[tuple[list[Frame], tuple[int, int], dict[str, str]]],
) -> None:
    found = decode(profile(CPU, samples))

    assert sum(cost.flat for cost in found.top("cpu")) == sum(values[1] for stack, values, _ in samples if stack)
    assert all(cost.flat <= cost.cumulative for cost in found.top("cpu"))


def test_packed_numbers_are_read_like_single_ones() -> None:
    raw = raw_profile(HEAP, [])
    packed = field_bytes(2, field_bytes(2, b"\x01\x80\x01\x03\x04"))

    assert decode(raw + packed).samples[0].values == (1, 128, 3, 4)


def test_recursion_counts_a_function_once() -> None:
    recursive = main_frame("walk")
    found = decode(profile(CPU, [((recursive, recursive, main_frame("main")), (1, 100))]))

    assert [(cost.frame.function, cost.flat, cost.cumulative) for cost in found.top("cpu")] == [
        ("main.walk", 100, 100),
        ("main.main", 0, 100),
    ]


def test_share_and_own_frames() -> None:
    collecting = ("runtime.scanobject", "runtime.gcBgMarkWorker")
    allocating = ("runtime.mallocgc", main_frame("encode", 54))
    found = decode(profile(CPU, [(collecting, (3, 30)), (allocating, (7, 70))]))

    assert found.share("cpu", lambda name: name == "runtime.gcBgMarkWorker") == pytest.approx(0.3)
    assert found.by_frame("cpu", own_frame) == ((main_frame("encode", 54), 70),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>sign in</html>",
        b"\x1f\x8b",
        b"\x1f\x8bgarbage",
        gzip.compress(raw_profile(CPU, []))[:-9],
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x80" * 40,
        raw_profile(CPU, []).replace(b"samples", b"samp"),
        raw_profile(CPU, []) + field_bytes(2, field_bytes(2, 1)),
        raw_profile(CPU, []) + field_bytes(3, field_bytes(6, 999)),
    ],
    ids=[
        "empty",
        "html",
        "short",
        "not-gzip",
        "cut",
        "long-field",
        "endless-number",
        "shifted",
        "one-value",
        "no-string",
    ],
)
def test_anything_else_is_one_error(content: bytes) -> None:
    with pytest.raises(ProfileMalformed):
        decode(content)


@given(st.binary(max_size=300))
def test_noise_never_gives_another_error(noise: bytes) -> None:
    for content in (noise, gzip.compress(noise), raw_profile(CPU, [((main_frame("a"),), (1, 2))]) + noise):
        try:
            decode(content)
        except ProfileMalformed:
            continue


def test_a_gzip_bomb_ends_early() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(8)) + packer.flush()

    with pytest.raises(ProfileMalformed, match="more than 1000000 bytes"):
        decode(bomb, limit=1_000_000)


def test_a_crowd_of_tiny_entries_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.domain.profile.MAX_ENTRIES", 1000)

    with pytest.raises(ProfileMalformed, match="more than 1000 entries"):
        decode(raw_profile(CPU, []) + b"\x12\x00" * 1001)


def test_a_long_location_repeated_in_every_sample_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.domain.profile.MAX_FRAMES", 10_000)
    inlined = field_bytes(4, field_bytes(1, 1) + b"".join(field_bytes(4, b"\x10\x01") for _ in range(100)))
    sample = field_bytes(2, field_bytes(1, b"\x01" * 60) + field_bytes(2, b"\x01\x01"))

    assert len(decode(raw_profile(CPU, []) + inlined + sample).samples[0].stack) == 6_000
    with pytest.raises(ProfileMalformed, match="more than 10000 frames"):
        decode(raw_profile(CPU, []) + inlined + sample * 2)


def test_fields_of_another_format_take_no_memory() -> None:
    raw = raw_profile(CPU, [])
    strange = raw + b"".join(field_bytes(number, b"") + field_bytes(number, 1) for number in range(20, 20_000))
    tracemalloc.start()
    try:
        assert decode(strange) == decode(raw)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < len(strange)


@settings(deadline=None)
@given(SAMPLES, st.data())
def test_a_cut_or_a_changed_byte_gives_a_profile_or_one_error(
    samples: list[tuple[list[Frame], tuple[int, int], dict[str, str]]], data: st.DataObject
) -> None:
    raw = raw_profile(CPU, samples, build_id="abc")
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:at] + data.draw(st.binary(max_size=2)) + raw[at + data.draw(st.integers(0, 3)) :]
    for content in (changed, gzip.compress(changed), gzip.compress(raw)[:at]):
        try:
            found = decode(content)
        except ProfileMalformed:
            continue
        assert all(len(sample.values) == len(found.types) for sample in found.samples)


IN_IT = field_bytes(2, field_bytes(1, 0) + field_bytes(2, 1) * 2)


@pytest.mark.parametrize(
    ("flood", "said"),
    [
        (field_bytes(5, SCATTERED + field_bytes(2, 999)), "a string beyond the end"),
        (field_bytes(2, b"\x1a\x00" * 30_000), "the sample at byte .* has 0 values, 0 bytes of locations, 65 labels"),
        (field_bytes(2, b"\x10\x01" * 30_000), "the sample at byte .* has 30000 values"),
        (field_bytes(2, b"\x08\x01" * 30_000), "the sample at byte .* 30000 bytes of locations"),
        (field_bytes(4, b"\x22\x00" * 30_000) + IN_IT, "the location at byte .* has more than 4096 lines"),
    ],
    ids=["fields", "labels", "values", "locations", "lines"],
)
def test_a_flood_in_one_entry_ends_early_and_says_where(flood: bytes, said: str) -> None:
    content = raw_profile(CPU, []) + flood
    tracemalloc.start()
    try:
        with pytest.raises(ProfileMalformed, match=said):
            decode(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1_000_000


def test_a_cut_stream_and_a_missing_string_are_said() -> None:
    packed = gzip.compress(raw_profile(CPU, []))
    with pytest.raises(ProfileMalformed, match=f"ends too early, at byte {len(packed) - 9}"):
        decode(packed[:-9])
    with pytest.raises(ProfileMalformed, match="names a string beyond the end of its table"):
        decode(raw_profile(CPU, []) + field_bytes(3, field_bytes(6, 999)))


def test_the_members_of_a_gzip_stream_are_one_profile() -> None:
    raw = raw_profile(CPU, [([main_frame("work")], [1, 10_000_000])])

    assert decode(gzip.compress(raw[:20]) + gzip.compress(raw[20:])) == decode(raw)
    with pytest.raises(ProfileMalformed, match="ends too early"):
        decode(gzip.compress(raw[:20]) + gzip.compress(raw[20:])[:-9])


def test_a_bomb_goes_off_at_the_limit() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(ProfileMalformed, match="more than 4000000 bytes"):
            decode(bomb, 4_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 12_000_000
