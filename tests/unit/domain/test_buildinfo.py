import pytest

from bot.domain.buildinfo import BuildInfo, BuildInfoMissing, Read, read_build_info
from bot.domain.protobuf import number_bytes

TEXT = (
    "path\texample.com/checkout\nmod\texample.com/checkout\t(devel)\t\ndep\texample.com/dep\tv1.0.0\th1:x=\n"
    'build\t-ldflags="-X main.version=1.2 -s"\nbuild\tvcs.revision=1a2b3c4d\nbuild\tvcs.modified=true\n'
)


def binary(text: str = TEXT, *, before: int = 5 * 1024 * 1024 - 16, flags: int = 2) -> bytes:
    module = b"0" * 16 + text.encode() + b"1" * 16
    strings = number_bytes(8) + b"go1.27.3" + number_bytes(len(module)) + module
    header = b"\xff Go buildinf:" + bytes([8, flags]) + bytes(16)
    return bytes(before) + header + strings + bytes(100)


def reader(content: bytes, sizes: list[int] | None = None) -> Read:
    def read(at: int, size: int) -> bytes:
        if sizes is not None:
            sizes.append(size)
        return content[at : at + size]

    return read


def test_build_info_is_read_in_pieces_even_across_their_edges() -> None:
    sizes: list[int] = []
    content = binary()
    found = read_build_info(reader(content, sizes), len(content))

    assert found == BuildInfo(
        "go1.27.3",
        "example.com/checkout",
        "example.com/checkout",
        (("-ldflags", "-X main.version=1.2 -s"), ("vcs.revision", "1a2b3c4d"), ("vcs.modified", "true")),
    )
    assert (found.revision, found.modified, found.setting("GOARCH")) == ("1a2b3c4d", True, "")
    assert max(sizes) < len(content) / 4


def test_the_magic_of_a_program_that_looks_for_it_is_passed_over() -> None:
    content = bytes(3) + b"\xff Go buildinf:" + bytes(64 - 17) + binary(before=0)

    assert read_build_info(reader(content), len(content)).go == "go1.27.3"


@pytest.mark.parametrize(
    "content",
    [b"", b"\x7fELF" + bytes(5000), binary(flags=0), binary()[: -len(TEXT)], binary(before=0)[:20]],
    ids=["empty", "not-go", "old-go", "cut", "cut-header"],
)
def test_anything_else_says_so(content: bytes) -> None:
    with pytest.raises(BuildInfoMissing):
        read_build_info(reader(content), len(content))
