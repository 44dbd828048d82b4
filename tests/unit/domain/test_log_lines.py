import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.log_lines import (
    MAX_BYTES,
    MAX_LINE,
    MAX_LINES,
    LogSummary,
    LogUnreadable,
    beyond,
    last_lines,
    summarise,
)

KEY = "".join(f"{'MIIEpAIBAAKCAQEA' * 4}\n" for _ in range(20))


def test_the_last_lines_are_kept() -> None:
    lines = last_lines(b"".join(b"line %d\n" % number for number in range(500)), whole=True).splitlines()

    assert (len(lines), lines[0], lines[-1]) == (MAX_LINES, "line 300", "line 499")


def test_a_line_that_is_being_written_counts() -> None:
    assert last_lines(b"one\r\n\ntwo\nthr", whole=True) == "one\ntwo\nthr\n"


def test_a_line_cut_by_the_window_is_left_out() -> None:
    assert last_lines(b"ter2 other words\nwhole\n", whole=False) == "whole\n"


def test_of_one_huge_line_the_beginning_of_its_end_is_shown() -> None:
    text = last_lines(b"hunter2 " + b"x y " * 20_000, whole=False)

    assert text.startswith("…x y x y ")
    assert "hunter2" not in text
    assert len(text) == MAX_LINE + 2


def test_many_long_lines_stay_within_bytes() -> None:
    text = last_lines(b"".join(b"%d %s\n" % (number, b"long " * 390) for number in range(60)), whole=True)

    assert MAX_BYTES - 4_000 < len(text.encode()) <= MAX_BYTES
    assert text.splitlines()[-1].startswith("59 long")


@pytest.mark.parametrize(
    "window",
    [
        b"token=hunter2hunter2\n",
        b"pass\x1b[0mword=hunter2hunter2\n",
        b"GET /?api_key=hunter2hunter2 HTTP/1.1\n",
        b'{"msg":"x","authorization":"Bearer hunter2hunter2"}\n',
    ],
)
def test_secrets_are_redacted(window: bytes) -> None:
    text = last_lines(window, whole=True)

    assert "hunter2" not in text
    assert "[redacted:" in text


def test_a_key_that_began_before_the_window_is_taken_out() -> None:
    window = f"lf of a line\n{KEY}-----END RSA PRIVATE KEY-----\nafter\n".encode()

    assert last_lines(window, whole=False) == "[redacted:private-key]\nafter\n"


def test_a_hole_left_by_the_rotation_is_passed_over() -> None:
    assert last_lines(b"\0" * 4_096 + b"one\n", whole=True) == "one\n"


@pytest.mark.parametrize("window", [b"\x7fELF\x02\x01\0\0\0\x03", bytes(range(256)) * 10, b"a\0b"])
def test_a_binary_is_refused(window: bytes) -> None:
    with pytest.raises(LogUnreadable, match="not text"):
        last_lines(window, whole=True)


def test_a_log_in_another_language_is_text() -> None:
    assert last_lines("Zeitüberschreitung\tÜberschreitung 時間切れ\n".encode(), whole=True).startswith("Zeitüber")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"time":"2026-03-01","level":"ERROR","msg":"failed"}', (1, 0, 0)),
        ('{"level":"info","msg":"ERROR is in the words only"}', (0, 0, 0)),
        ('time=03:00 level=WARN msg="slow"', (0, 1, 0)),
        ("2026/03/01 03:00:00 http: panic serving 10.0.0.1:5: oops", (1, 0, 0)),
        ("E0301 03:00:00.1 1 main.go:5] no", (1, 0, 0)),
        ("[warning] low disk", (0, 1, 0)),
        ("dial tcp 10.0.0.1:5432: i/o timeout", (0, 0, 1)),
        ('level=error err="context deadline exceeded"', (1, 0, 1)),
        ("(Client.Timeout exceeded while awaiting headers)", (0, 0, 1)),
        ('started read_timeout=5s "timeout": 5 timeout=3', (0, 0, 0)),
        ("0 errors so far", (0, 0, 0)),
    ],
)
def test_lines_are_counted_by_what_they_tell(line: str, expected: tuple[int, int, int]) -> None:
    found = summarise(f"fine\n{line}\n")

    assert (found.errors, found.warnings, found.timeouts) == expected
    assert found.lines == 2


def test_counts_are_told_in_words() -> None:
    assert str(LogSummary(200, 12, 1, 0)) == "12 errors, 1 warning in the last 200 lines"
    assert str(LogSummary(3)) == "no error, warning or timeout in the last 3 lines"


@given(window=st.one_of(st.binary(max_size=3_000), st.text(max_size=2_000).map(str.encode)), whole=st.booleans())
def test_whatever_a_file_holds_is_lines_or_refused(window: bytes, *, whole: bool) -> None:
    try:
        text = last_lines(window, whole=whole)
    except LogUnreadable:
        return
    lines = text.split("\n")[:-1]
    assert len(lines) <= MAX_LINES
    assert all(line.strip() and len(line) <= MAX_LINE + 1 for line in lines)
    assert summarise(text).errors <= len(lines)


LONG = "x" * MAX_LINE


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], ["a"], (["a"], True)),
        (["a", "b"], ["a", "b"], ([], True)),
        (["a", "b"], ["a", "b", "c"], (["c"], True)),
        (["a", "b", "c"], ["b", "c", "d"], (["d"], True)),
        (["a"], ["a", "a"], (["a"], True)),
        (["a", "half"], ["a", "half of it", "b"], (["half of it", "b"], True)),
        (["a", "b"], ["x", "y"], (["x", "y"], False)),
        (["a", "b"], ["b of another"], (["b of another"], False)),
        (["a", "b"], [], ([], False)),
        ([], ["a"] * MAX_LINES, (["a"] * MAX_LINES, False)),
        ([], [LONG] * 29, ([LONG] * 29, False)),
    ],
)
def test_what_a_log_got_between_two_readings_and_whether_that_is_all(
    before: list[str], after: list[str], expected: tuple[list[str], bool]
) -> None:
    assert beyond(before, after) == expected
