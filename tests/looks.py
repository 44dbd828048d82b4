"""Pages in the ways in which people see them, wide and on a phone, light and dark, for pictures of them."""

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page

OUT = Path("shots")
SCHEMES = ("light", "dark")
WIDTHS = {"wide": {"width": 1366, "height": 768}, "phone": {"width": 390, "height": 844}}


@dataclass(frozen=True)
class Look:
    """A page in one of the ways in which people see it."""

    name: str
    page: Page
    is_first: bool

    def file(self, name: str) -> Path:
        return OUT / self.name / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png"

    async def open(self, url: str, ready: str) -> None:
        await self.page.goto("about:blank")
        await self.page.goto(url)
        await self.page.wait_for_selector(ready)


async def looks(browser: Browser) -> list[Look]:
    """Give a page for each width, in light and in dark."""
    found: list[Look] = []
    for width, viewport in WIDTHS.items():
        for scheme in SCHEMES:
            context = await browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            found.append(Look(f"{width}-{scheme}", await context.new_page(), is_first=not found))
    return found
