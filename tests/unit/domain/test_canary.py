"""A quantile as it is shown."""

import pytest

from bot.domain.canary import quantile


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ((0, 0, 0), None),
        ((100, 0, 0), 0.095),
        ((90, 10, 0), 0.3),
        ((0, 0, 5), 0.5),
    ],
)
def test_a_quantile_is_linear_within_its_bucket(buckets: tuple[int, ...], expected: float | None) -> None:
    assert quantile((0.1, 0.5), buckets) == (None if expected is None else pytest.approx(expected))


def test_without_buckets_there_is_no_quantile() -> None:
    assert quantile((), ()) is None
