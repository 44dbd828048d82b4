import pytest

from bot.domain.sumdb.records import RecordRefused, lookup_path, merged, read_record, read_sums
from tests.gomodules.log import Log

ONE, TWO = f"h1:{'1' * 43}=", f"h1:{'2' * 43}="


def test_an_answer_is_read_and_its_note_is_left_alone() -> None:
    log = Log()
    log.fill(2)
    log.add("example.com/money", "v1.2.0", ONE, TWO)
    found = read_record(log.answer("example.com/money", "v1.2.0") or b"")

    assert (found.number, found.text, found.note) == (2, log.records[2], log.note())
    assert found.sums == {"example.com/money@v1.2.0": (ONE,), "example.com/money@v1.2.0/go.mod": (TWO,)}


@pytest.mark.parametrize("answer", [b"", b"not found", b"x\na v1 h1\n\nnote", b"1\n\n", b"-1\na\n\nn", b"1\na\nb\n"])
def test_what_is_no_record_is_refused(answer: bytes) -> None:
    with pytest.raises(RecordRefused, match="no record"):
        read_record(answer)


@pytest.mark.parametrize(
    ("path", "version", "expected"),
    [
        ("github.com/Azure/go-autorest", "v14.2.0+incompatible", "github.com/!azure/go-autorest@v14.2.0+incompatible"),
        ("golang.org/x/mod", "v0.1.0-RC1", "golang.org/x/mod@v0.1.0-!r!c1"),
    ],
)
def test_capital_letters_are_escaped(path: str, version: str, expected: str) -> None:
    assert lookup_path(path, version) == expected


@pytest.mark.parametrize(
    ("path", "version"),
    [("", "v1"), ("a?b", "v1"), ("../etc", "v1"), ("/a", "v1"), ("a", "latest"), ("a", "v1/../.."), ("a\n", "v1")],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str, version: str) -> None:
    with pytest.raises(RecordRefused):
        lookup_path(path, version)


def test_lines_that_are_none_are_passed_over() -> None:
    content = f"a v1.0.0 {ONE}\n\na v1.0.0 {TWO}\nb v1.0.0 h2:x\nb v1.0.0\n\xff\nc v1.0.0/go.mod {ONE} \n".encode(
        "latin-1"
    )

    assert read_sums(content) == {"a@v1.0.0": (ONE, TWO), "c@v1.0.0/go.mod": (ONE,)}
    assert merged([{"a": (ONE,)}, {"a": (TWO, ONE)}, {"b": (TWO,)}]) == {"a": (ONE, TWO), "b": (TWO,)}
