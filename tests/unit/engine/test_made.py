"""A thing is made once for each version of it, and not kept for longer than there is room."""

from functools import partial

from bot.engine.made import Latest


def written(calls: list[str], text: str) -> str:
    calls.append(text)
    return text


def test_it_is_made_again_when_the_version_is_another() -> None:
    kept, calls = Latest[str](1_000, len), list[str]()
    for version in (1, 1, 2, 2, 1):
        assert kept.of("INC-1", version, partial(written, calls, f"v{version}")) == f"v{version}"
    assert calls == ["v1", "v2", "v1"]


def test_what_was_asked_for_longest_ago_goes_first_when_there_is_no_room() -> None:
    kept, calls = Latest[str](20, len), list[str]()
    for name in ("a", "b", "a", "c", "a", "b"):
        assert kept.of(name, 1, partial(written, calls, name * 10)) == name * 10
    assert [call[0] for call in calls] == ["a", "b", "c", "b"]


def test_what_is_larger_than_all_the_room_is_given_and_not_kept() -> None:
    kept, calls = Latest[str](5, len), list[str]()
    assert [kept.of("a", 1, lambda: written(calls, "too large")) for _ in range(2)] == ["too large"] * 2
    assert len(calls) == 2
