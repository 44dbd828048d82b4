"""Good bytes, damaged in any way: a parser reads what it can, or refuses in words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.parsers import PARSERS, survive

DAMAGE = st.tuples(st.integers(0, 1 << 16), st.integers(0, 16), st.binary(max_size=12))


@pytest.mark.parametrize("name", PARSERS)
def test_good_bytes_are_read(name: str) -> None:
    for example in PARSERS[name].examples:
        PARSERS[name].read(example)


@pytest.mark.parametrize("name", PARSERS)
@settings(deadline=None)
@given(st.data())
def test_damaged_bytes_are_read_or_refused_in_words(name: str, data: st.DataObject) -> None:
    damaged = data.draw(st.sampled_from(PARSERS[name].examples))
    for at, gone, instead in data.draw(st.lists(DAMAGE, min_size=1, max_size=4)):
        start = at % (len(damaged) + 1)
        damaged = damaged[:start] + instead + damaged[start + gone :]
    survive(PARSERS[name], damaged)


@pytest.mark.parametrize("name", PARSERS)
@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_words(name: str, data: bytes) -> None:
    survive(PARSERS[name], data)
