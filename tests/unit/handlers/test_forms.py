"""A form is believed only from a page of ours, as its reader had it."""

from collections.abc import Mapping

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from starlette.responses import JSONResponse

from handlers import errors
from handlers.forms import SEAL, FormRefused, filled
from handlers.reader import Asks
from tests.fakes.readers import HERE, Read

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def take(request: Request, reader: Asks) -> Response:
    return JSONResponse(dict(await filled(request, reader)))


def browser(*, guarded: bool = True) -> httpx.AsyncClient:
    app = FastAPI()
    app.add_api_route("/take", take, methods=["POST"])
    app.add_exception_handler(FormRefused, errors.unbelieved)
    if guarded:
        app.add_middleware(Read)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


async def send(fields: Mapping[str, str]) -> httpx.Response:
    async with browser() as client:
        return await client.post("/take", data=dict(fields))


async def test_the_fields_come_without_what_was_left_empty() -> None:
    answer = await send({SEAL: HERE.seal, "text": " it is\r\nslow ", "service": " "})
    assert answer.json() == {"text": "it is\nslow"}


@pytest.mark.parametrize("seal", ["", "other", "the-seal ", "ü"])
async def test_a_form_of_another_page_is_refused(seal: str) -> None:
    answer = await send({SEAL: seal, "text": "x"})
    assert answer.status_code == 403
    assert "Load the page again" in answer.text


@pytest.mark.parametrize(
    ("content", "headers", "said"),
    [
        (b"text=" + b"x" * 64_001, FORM, "longer than"),
        (b"&".join(b"a%d=1" % number for number in range(200)), FORM, "cannot be read"),
        (b"text=\xff", FORM, "cannot be read"),
        (b'{"text": "x"}', {"Content-Type": "application/json"}, "application/x-www-form-urlencoded"),
        (b"text=x", {"Content-Type": "text/plain"}, "application/x-www-form-urlencoded"),
    ],
)
async def test_what_is_no_form_of_ours_is_refused(content: bytes, headers: Mapping[str, str], said: str) -> None:
    async with browser() as client:
        answer = await client.post("/take", content=content, headers=dict(headers))
    assert answer.status_code == 403
    assert said in answer.text


async def test_without_a_guard_nobody_is_let_through() -> None:
    async with browser(guarded=False) as client:
        with pytest.raises(LookupError, match="nobody has looked"):
            await client.post("/take", data={SEAL: ""})
