"""A real browser that asks an application in this process: every page as people see it, without a server or a port."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright

CHROMIUM: Mapping[str, Any] = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}
HERE = "http://127.0.0.1:8000"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**CHROMIUM)
        yield browser
        await browser.close()


@asynccontextmanager
async def looking_at(browser: Browser, app: Any, **options: Any) -> AsyncIterator[Page]:
    """Give a page whose every request is answered by an ASGI application; nothing else can be reached from it."""
    context = await browser.new_context(**options)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        await answered_by(context, client)
        yield await context.new_page()
        await context.close()


async def sign_in(page: Page, bot: str, name: str = "Ada Okafor", onward: str = "/") -> None:
    """Sign in with the local Slack, and go where one wanted to."""
    await page.goto(f"{bot}/sign-in/begin?next={quote(onward, safe='')}")
    await page.get_by_role("button", name=name).click()
    await page.wait_for_url(f"{bot}{onward}")


async def answered_by(context: BrowserContext, client: httpx.AsyncClient) -> None:
    """Let a client answer what a browser asks for."""

    async def answer(route: Route) -> None:
        request = route.request
        if urlsplit(request.url).path.endswith("/live"):
            await route.abort()  # a stream that does not end is none of a page's looks
            return
        headers = {**await request.all_headers(), "host": urlsplit(request.url).netloc}
        asked = await client.request(request.method, request.url, headers=headers, content=request.post_data_buffer)
        await route.fulfill(status=asked.status_code, headers=dict(asked.headers), body=asked.content)

    await context.route("**/*", answer)
