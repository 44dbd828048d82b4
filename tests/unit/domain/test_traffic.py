import pytest

from bot.domain.traffic import CLOSED, EMPTIED, Split


@pytest.mark.parametrize(
    ("does", "wanted", "meets"),
    [
        (Split(weight=9.6, dyed=True), Split(weight=10.0), True),
        (Split(weight=9.4), Split(weight=10.0), False),
        (Split(weight=0.0, dyed=True), EMPTIED, True),
        (Split(weight=0.4), EMPTIED, False),
        (Split(weight=0.0, dyed=True), CLOSED, False),
        (Split(weight=0.0, dyed=False, note="held"), CLOSED, True),
        (Split(), EMPTIED, False),
        (Split(release="v2"), Split(release="v1"), False),
        (Split(release="v1"), Split(), True),
    ],
    ids=str,
)
def test_half_a_percent_is_near_enough_but_nothing_is_nothing(does: Split, wanted: Split, *, meets: bool) -> None:
    assert does.meets(wanted) is meets
