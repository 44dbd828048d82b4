import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.buildinfo import BuildInfo, BuildInfoMissing, Dependency, parse, read_build_info
from bot.domain.protobuf import number_bytes
from tests.unit.domain.reads import reader

TEXT = (
    "path\texample.com/checkout\nmod\texample.com/checkout\t(devel)\t\ndep\texample.com/dep\tv1.0.0\th1:x=\n"
    'build\t-ldflags="-X main.version=1.2 -s"\nbuild\tvcs.revision=1a2b3c4d\nbuild\tvcs.modified=true\n'
)


def binary(text: str = TEXT, *, before: int = 5 * 1024 * 1024 - 16, flags: int = 2) -> bytes:
    module = b"0" * 16 + text.encode() + b"1" * 16
    strings = number_bytes(8) + b"go1.27.3" + number_bytes(len(module)) + module
    header = b"\xff Go buildinf:" + bytes([8, flags]) + bytes(16)
    return bytes(before) + header + strings + bytes(100)


def test_build_info_is_read_in_pieces_even_across_their_edges() -> None:
    sizes: list[int] = []
    content = binary()
    found = read_build_info(reader(content, sizes), len(content))

    assert found == BuildInfo(
        "go1.27.3",
        "example.com/checkout",
        "example.com/checkout",
        (("-ldflags", "-X main.version=1.2 -s"), ("vcs.revision", "1a2b3c4d"), ("vcs.modified", "true")),
        (Dependency("example.com/dep", "v1.0.0", "h1:x="),),
    )
    assert (found.revision, found.modified, found.setting("GOARCH")) == ("1a2b3c4d", True, "")
    assert max(sizes) < len(content) / 4


def test_the_magic_of_a_program_that_looks_for_it_is_passed_over() -> None:
    content = bytes(3) + b"\xff Go buildinf:" + bytes(64 - 17) + binary(before=0)

    assert read_build_info(reader(content), len(content)).go == "go1.27.3"


@pytest.mark.parametrize("decoy", [bytes(18), b"\x08\x02" + bytes(16) + b"\xff" * 10], ids=["constant", "garbage"])
def test_the_magic_of_such_a_program_may_be_aligned(decoy: bytes) -> None:
    content = (b"\xff Go buildinf:" + decoy).ljust(64, b"\xff") + binary(before=0)

    assert read_build_info(reader(content), len(content)).go == "go1.27.3"


def test_what_is_cut_says_where() -> None:
    content = binary(before=64)[:100]

    with pytest.raises(BuildInfoMissing, match="cut off at byte"):
        read_build_info(reader(content), len(content))


@pytest.mark.parametrize(
    "content",
    [b"", b"\x7fELF" + bytes(5000), binary(flags=0), binary()[: -len(TEXT)], binary(before=0)[:20]],
    ids=["empty", "not-go", "old-go", "cut", "cut-header"],
)
def test_anything_else_says_so(content: bytes) -> None:
    with pytest.raises(BuildInfoMissing):
        read_build_info(reader(content), len(content))


WORDS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='\t`="'), min_size=1, max_size=12)


@settings(deadline=None)
@given(WORDS, st.lists(st.tuples(WORDS, st.text(st.characters(exclude_categories=["Cs"]), max_size=12))))
def test_what_a_linker_wrote_is_read(path: str, flags: list[tuple[str, str]]) -> None:
    lines = [f"path\t{path}", f"mod\t{path}\t(devel)\t"]
    lines += [f"build\t{key}={json.dumps(value)}" for key, value in flags]
    content = binary("\n".join(lines) + "\n", before=0)

    assert read_build_info(reader(content), len(content)) == BuildInfo("go1.27.3", path, path, tuple(flags))


@settings(deadline=None)
@given(st.data())
def test_a_cut_or_a_changed_byte_gives_build_info_or_one_error(data: st.DataObject) -> None:
    whole = binary(before=0)
    at = data.draw(st.integers(0, len(whole) - 1))
    for content in (whole[:at], whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + 1 :]):
        try:
            found = read_build_info(reader(content), len(content))
        except BuildInfoMissing:
            continue
        assert found.setting("no such setting") == ""


@given(st.binary(max_size=200))
def test_any_module_text_can_be_shown(noise: bytes) -> None:
    for text in (noise, b'build\t"' + noise + b'="' + noise + b'"\n'):
        found = parse("go1.27.3", text.decode("utf-8", "replace"))

        assert json.dumps(found.settings, ensure_ascii=False).encode()


def test_what_takes_the_place_of_a_module_is_what_was_compiled_in() -> None:
    text = (
        "mod\texample.com/tool\tv1.2.3\th1:t=\ndep\texample.com/a\tv1.0.0\n=>\texample.com/fork\tv1.0.1\th1:f=\n"
        "dep\texample.com/b\tv2.0.0\n=>\t../b\t(devel)\t\n"
    )

    assert parse("", text).dependencies == (
        Dependency("example.com/tool", "v1.2.3", "h1:t="),
        Dependency("example.com/fork", "v1.0.1", "h1:f=", "example.com/a@v1.0.0"),
        Dependency("../b", "(devel)", "", "example.com/b@v2.0.0"),
    )


def test_half_a_character_in_quotes_is_replaced() -> None:
    assert parse("", r'build\t-tags="a\ud800b"'.replace(r"\t", "\t")).setting("-tags") == "a?b"
