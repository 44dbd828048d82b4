"""What is answered where something is wrong: a page for people, JSON for scripts."""

import httpx
import pytest
from fastapi import FastAPI

from handlers import errors


async def nothing() -> None:
    """Be there."""


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI()
    errors.answered(app)
    app.add_api_route("/form", nothing, methods=["POST"])
    app.add_api_route("/page", nothing, methods=["GET"])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


@pytest.mark.parametrize(("method", "path", "allowed"), [("GET", "/form", "POST"), ("POST", "/page", "GET")])
async def test_people_who_ask_in_a_way_that_an_address_does_not_take_see_a_page(
    method: str, path: str, allowed: str, client: httpx.AsyncClient
) -> None:
    answer = await client.request(method, path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.headers["content-type"].startswith("text/html")
    assert "Nothing was done." in answer.text


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
async def test_scripts_that_do_are_told_in_json(accept: str, client: httpx.AsyncClient) -> None:
    answer = await client.get("/form", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json() == {"detail": "Method Not Allowed"}
