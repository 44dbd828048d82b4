"""Every page can be used by everybody: axe-core finds nothing, and nothing is wider than a phone."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Browser, Page

from bot.adapters.sql.sessions import SqlTokens
from bot.domain.sign_in import Scope, Token
from bot.domain.timeline import Person
from handlers.api.application import AT
from tests.amounts import LONG, one
from tests.browsing import DESK, HERE, PHONE, chromium, looking_at
from tests.console import running_console
from tests.oracles.npm import node, packages
from tests.ways import ways

AXE = "axe-core@4.14.1"
PAGES = {
    "/": "/",
    "/incidents/{incident_id}": "/incidents/INC-1",
    "/incidents/{incident_id}/postmortem": "/incidents/INC-1/postmortem",
    "/incidents/{incident_id}/postmortem/history": "/incidents/INC-1/postmortem/history",
    "/incidents/{incident_id}/postmortem/edit/{section}": "/incidents/INC-1/postmortem/edit/luck",
    "/runs/{run_id}": "/runs/{run}",
    "/runs/{run_id}/targets/{target}": "/runs/{run}/targets/checkout-2",
    "/runs/{run_id}/trace": "/runs/{traced}/trace",
    "/runs/{run_id}/targets/{target}/flames/{view}": "/runs/{run}/targets/checkout-2/flames/cpu",
    "/drills": "/drills",
    "/services": "/services",
    "/services/{name}": "/services/checkout",
    "/settings": "/settings",
    "/measures": "/measures?weeks=4",
    "/audit": "/audit",
    "/declare": "/declare",
    "/incidents/{incident_id}/do/{verb}": "/incidents/INC-1/do/milestone?at=25:99",
    "/approvals": "/approvals",
    "/approvals/{run_id}": "/approvals/{asking}",
    "not found": "/nothing",
}
"""Every route that shows a page, and where it is asked for."""
NO_PAGES = {
    "/artifacts/{sha256}", "/favicon.ico", "/health/build", "/health/live", "/health/ready", "/healthz",
    "/incidents/{incident_id}/live",
    "/incidents/{incident_id}/postmortem.md",
    "/incidents/{incident_id}/postmortem.html", "/incidents/{incident_id}/postmortem.pdf",
    "/incidents/{incident_id}/postmortem.json",
    "/metrics", "/runs/{run_id}/targets/{target}/flames/{view}.svg", "/static/{name}", "/live", "/drills/live",
    "/measures.csv", "/services/{name}/live", "/audit/live", "/approvals/live",
    "/approvals/{run_id}/live",
    "/runs/{run_id}/live",
}  # fmt: skip
Seen = tuple[FastAPI, Mapping[str, str], Browser]
LOOKS = {"desk": {"viewport": DESK, "color_scheme": "light"}, "phone": {"viewport": PHONE, "color_scheme": "dark"}}
WRONG = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="seen")
async def _seen() -> AsyncIterator[Seen]:
    """An incident with all that pages show, long words and words from right to left; and a browser."""
    amount = await one()
    async with chromium() as browser:
        yield amount.app, amount.runs, browser


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="door")
async def _door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[FastAPI, dict[str, str]]]:
    """An application that people sign in to, and the cookie of somebody with a long name who has made a token."""
    async with running_console(tmp_path_factory.mktemp("door"), url=HERE) as console:
        who, now = Person("oidc:ada", f"مرحبا {LONG}"), console.clock.at
        token = Token("1", "d", LONG[:60], Scope.COMMAND, who, "", now, now + timedelta(days=30), used_at=now)
        await console.house.store.write(lambda tx: SqlTokens().keep(tx, token))
        name, _, value = (await console.known(who)).headers["Cookie"].partition("=")
        yield console.app, {"name": name, "value": value, "url": HERE}


@pytest.fixture(scope="module", name="axe")
def _axe() -> Path:
    node()
    return packages(AXE) / "node_modules/axe-core/axe.min.js"


def test_every_page_there_is_is_looked_at(seen: Seen) -> None:
    shown = {path for method, path in ways(seen[0]) if method == "GET" and not path.startswith(AT)}
    assert shown == (set(PAGES) - {"not found"}) | NO_PAGES


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.matrix(sample=6)
@pytest.mark.asyncio(loop_scope="module")
async def test_nobody_is_kept_out(seen: Seen, axe: Path, page: str, look: str) -> None:
    app, runs, browser = seen
    options: dict[str, Any] = LOOKS[look]
    async with looking_at(browser, app, bypass_csp=True, reduced_motion="reduce", **options) as shown:
        await shown.goto(HERE + PAGES[page].format_map(runs))
        assert await too_wide(shown) == []
        await shown.add_script_tag(path=str(axe))
        wrong = await shown.evaluate(WRONG)
    assert not wrong, json.dumps([(each["id"], each["nodes"][0]["html"]) for each in wrong], indent=1)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("page", ["/sign-in?next=/incidents/INC-7", "/sign-in?out=1", "/settings/tokens"])
@pytest.mark.matrix(sample=2)
@pytest.mark.asyncio(loop_scope="module")
async def test_nobody_is_kept_out_by_the_door(
    seen: tuple[FastAPI, str, Browser], door: tuple[FastAPI, dict[str, Any]], axe: Path, page: str, look: str
) -> None:
    app, cookie = door
    options: dict[str, Any] = LOOKS[look]
    async with looking_at(seen[2], app, bypass_csp=True, reduced_motion="reduce", **options) as shown:
        if "tokens" in page:
            await shown.context.add_cookies([cookie])  # type: ignore[list-item]
        await shown.goto(HERE + page)
        assert await too_wide(shown) == []
        await shown.add_script_tag(path=str(axe))
        wrong = await shown.evaluate(WRONG)
        assert page.partition("?")[0] in shown.url
    assert not wrong, json.dumps([(each["id"], each["nodes"][0]["html"]) for each in wrong], indent=1)


async def too_wide(page: Page) -> list[str]:
    """Name what makes a page wider than its window."""
    found: list[str] = await page.evaluate(
        "() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('main *')]"
        ".filter(each => each.getBoundingClientRect().right > innerWidth + 1).map(each => each.outerHTML.slice(0, 120))"
    )
    return found
