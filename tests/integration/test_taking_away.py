"""What users of a real HAProxy lose by three ways of taking a target away, and what its counters say of it."""

import shutil
from pathlib import Path

import pytest

from tests.routers.taking import LOADS, take_away

pytestmark = [pytest.mark.matrix(sample=0), pytest.mark.timeout(180)]


@pytest.mark.parametrize("drained", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_only_who_is_gone_at_once_and_is_not_tried_again_elsewhere_loses_requests(
    tmp_path: Path, *, drained: bool, again: bool
) -> None:
    if shutil.which("haproxy") is None:
        pytest.skip("haproxy is not installed")
    taken = take_away(tmp_path, drained=drained, again=again)
    counted = taken.after.failed - taken.before.failed

    if drained or again:
        # One that is under way when it is killed at once is nobody's to send again.
        assert max(taken.failed, counted) <= (0 if drained else LOADS)
    else:
        assert min(taken.failed, counted) > 0
        assert taken.after.refused > taken.before.refused
