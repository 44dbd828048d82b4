"""The demo's canary is bad: it is noticed by itself, two people roll it back, and users are safe, in a real browser."""

import re
from pathlib import Path

import pytest

from tests.scenario.demo import Demo, running_demo

pytestmark = [pytest.mark.browser, pytest.mark.go, pytest.mark.timeout(600)]
PATIENCE_MS = 90_000


async def test_a_bad_canary_is_noticed_rolled_back_by_two_people_and_safe(tmp_path: Path) -> None:
    async with running_demo(tmp_path) as demo:
        await demo.be("ada", "incidents")
        await demo.page.get_by_role("button", name=re.compile("^inc-1-")).click(timeout=PATIENCE_MS)
        await demo.pinned().shows("goroutine-leak")
        await demo.pinned().shows(re.compile("Canary: roll it back. 5xx \\d"))
        await demo.pinned().shows(re.compile(r"v1\.5\.0 \([0-9a-f]{7}\) by Jun Ito was deployed"))
        await _ask(demo)

        await _approve(demo)

        await demo.messages().show(re.compile("safe after", re.IGNORECASE), PATIENCE_MS)
        await demo.type("/incident dye checkout")
        await demo.messages().show("The canary is closed: no marked request reached it.")


async def _ask(demo: Demo) -> None:
    """Be the first person: press the button of the card, and mean it."""
    await demo.pinned().press("Roll back")
    await demo.page.get_by_role("alertdialog").get_by_role("button", name="Roll back", exact=True).click()
    await demo.pinned().shows("Waits for a second person")


async def _approve(demo: Demo) -> None:
    """Be the second one, who sees the exact commands."""
    await demo.be("ben", "incidents")
    await demo.open_channel("^inc-1-")
    await demo.messages().show("checkout.canary.weight=0")
    await demo.pinned().press("Approve")
    await demo.page.get_by_role("alertdialog").get_by_role("button", name="Approve", exact=True).click()
