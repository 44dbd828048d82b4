"""Which version is before which, as packages of every kind count theirs; what is not sure counts as before."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from bot.domain.gate.versions import is_below


@pytest.mark.parametrize(
    ("version", "bound"),
    [
        ("3.0.7-6.el9", "3.0.7-27.el9"),
        ("1.1.1n-0+deb11u3", "1.1.1n-0+deb11u4"),
        ("1.1.1m", "1.1.1n"),
        ("1.0-rc9", "1.0-rc10"),
        ("1.0-beta2", "1.0-RC1"),
        ("1.0-rc1", "1.0"),
        ("1.0~rc1", "1.0"),
        ("1:9", "2:1"),
        ("1.9", "1.10"),
        ("1.2.3-r4", "1.2.3-r10"),
        ("v0.0.0-20210921155107-089bfa567519", "v0.0.0-20220314234659-1baeb1ce4c0b"),
        (f"1.{'9' * 30}", f"1.1{'0' * 30}"),
        (f"1-{'9' * 5_000}", f"1-1{'0' * 5_000}"),
    ],
)
def test_what_is_before_is_below_and_what_is_after_is_not(version: str, bound: str) -> None:
    assert is_below(version, bound)
    assert not is_below(bound, version)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.1.1", "1.1.1n"),
        ("1.0", "1.0-1"),
        ("1.0-1.el8", "1.0-1.fc40"),
        ("1.0-1~x", "1.0-1.x"),
        ("1.0-rc", "1.0-rc0"),
        ("1.0-snapshot", "1.0-rc1"),
        ("1:2", "3"),
        ("1.0-089bfa5", "1.0-12abcde"),
        ("1.0-gdeadbee", "1.0-g1234567"),
        ("2.0+really1.9-1", "1.9.5"),
        ("(devel)", "1"),
        ("", "1"),
        ("latest", "latest"),
    ],
)
def test_what_nobody_can_be_sure_of_is_below(one: str, other: str) -> None:
    assert is_below(one, other)
    assert is_below(other, one)


@pytest.mark.parametrize(
    ("version", "bound"),
    [
        ("2.17.1", "2.17.1"),
        ("v1.0", "1"),
        ("1.0-RC01", "1.0-rc1"),
        ("1+incompatible", "1.0.0"),
        ("2.17.1", "2.17.1-rc1"),
        ("1.0", "1.0~beta3"),
        ("1.1.1n-0+deb11u4", "1.1.1n-0"),
        ("2:1", "1:9"),
        ("0:2", "1"),
        (" 2.100 ", "2.17.1"),
    ],
)
def test_what_reaches_the_bound_is_not_below(version: str, bound: str) -> None:
    assert not is_below(version, bound)


RELEASES = st.lists(st.integers(0, 12), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
LEADING = st.sampled_from(["", "a1", "a10", "b2", "rc9", "rc10", ".dev1", ".dev11", "rc1.dev3", ".post1", ".post12"])
PYTHONS = st.builds("{}{}{}".format, st.sampled_from(["", "v"]), RELEASES, LEADING)


@settings(max_examples=150, deadline=None)
@given(PYTHONS, PYTHONS)
def test_nothing_that_python_counts_as_before_is_let_through(one: str, other: str) -> None:
    assert is_below(one, other) or Version(one) >= Version(other)


REST = st.text("0123456789abnrc.-+~:gé", max_size=12)


@settings(max_examples=150, deadline=None)
@given(RELEASES, REST, REST)
def test_of_two_versions_one_at_least_is_below_unless_they_are_the_same(numbers: str, one: str, other: str) -> None:
    one, other = f"{numbers}{one}", f"{numbers}{other}"
    assert is_below(one, other) or is_below(other, one) or told(one) == told(other)


def told(version: str) -> list[str]:
    """Give the pieces of a version that count."""
    return [piece for each in re.findall(r"[0-9]+|[^0-9.:]", version) if (piece := each.lstrip("0"))]
