import pytest

from bot.domain.sumdb.notes import NoteRefused
from bot.domain.sumdb.source import KNOWN, read_source
from tests.gomodules.log import Log

KEY = Log().key


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        ("sum.golang.org", "sum.golang.org", "https://sum.golang.org"),
        ("sum.golang.google.cn", "sum.golang.org", "https://sum.golang.google.cn"),
        (KNOWN["sum.golang.org"] + " https://proxy.example/sumdb/", "sum.golang.org", "https://proxy.example/sumdb"),
        (KEY, "sums.example", "https://sums.example"),
        (f"{KEY} http://127.0.0.1:8080", "sums.example", "http://127.0.0.1:8080"),
    ],
)
def test_a_source_is_written_as_gosumdb_is(text: str, name: str, url: str) -> None:
    found = read_source(text)

    assert found is not None
    assert (found.key.name, found.url) == (name, url)


def test_nothing_is_nobody() -> None:
    assert read_source("  ") is None


@pytest.mark.parametrize("text", ["off", "sums.example", f"{KEY} ftp://sums.example", f"{KEY} //x"])
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        read_source(text)
