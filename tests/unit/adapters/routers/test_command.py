import json
import sys
from pathlib import Path

import httpx
import pytest

from bot.adapters.routers.api import Api
from bot.adapters.routers.command import CommandDriver
from bot.adapters.routers.drivers import Driver
from bot.adapters.routers.webhook import WebhookDriver
from bot.domain.run import Missing
from bot.domain.traffic import CLOSED, EMPTIED, Route, Split

PROGRAM = """
import json, sys, pathlib
kept = pathlib.Path(sys.argv[1])
if len(sys.argv) > 2:
    weight, dyed, release = sys.argv[2:]
    kept.write_text(json.dumps({"weight": float(weight), "dyed": dyed == "true", "release": release, "earlier": "v1"}))
else:
    print(kept.read_text())
"""
BEFORE = {"weight": 10, "dyed": True, "release": "v2", "earlier": "v1"}


def by_command(folder: Path) -> tuple[Driver, Route]:
    (folder / "kept").write_text(json.dumps(BEFORE))
    (folder / "program.py").write_text(PROGRAM)
    read = (sys.executable, str(folder / "program.py"), str(folder / "kept"))
    return CommandDriver(), Route("command", {"read": read, "set": (*read, "{weight}", "{dyed}", "{release}")})


def by_webhook(_: Path) -> tuple[Driver, Route]:
    kept = dict(BEFORE)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer secret"
        if request.method == "PUT":
            kept.update(json.loads(request.content))
        return httpx.Response(200, json=kept)

    driver = WebhookDriver(Api("secret", transport=httpx.MockTransport(answer)))
    return driver, Route("webhook", {"url": "https://traffic.test/checkout"})


@pytest.mark.parametrize("made", [by_command, by_webhook])
async def test_what_is_to_stay_is_given_as_it_is(made: object, tmp_path: Path) -> None:
    assert callable(made)
    driver, route = made(tmp_path)
    before = await driver.read(route)
    assert before == Split(10.0, dyed=True, release="v2")
    assert await driver.earlier(route) == "v1"
    for wanted, after in (
        (EMPTIED, Split(0.0, dyed=True, release="v2")),
        (CLOSED, Split(0.0, dyed=False, release="v2")),
        (Split(release="v1"), Split(0.0, dyed=False, release="v1")),
        (before, before),
    ):
        [move] = await driver.plan(route, wanted)
        for _ in range(2):
            assert await driver.make(route, move) is None
        assert await driver.read(route) == after
        assert await driver.plan(route, wanted) == ()


async def test_a_value_is_one_argument_and_no_shell_sees_it(tmp_path: Path) -> None:
    driver, route = by_command(tmp_path)
    evil = f"$(touch {tmp_path}/owned); `touch {tmp_path}/owned` 'x"
    moves = await driver.plan(route, Split(release=evil))
    assert not isinstance(moves, Missing)
    assert await driver.make(route, moves[0]) is None
    read = await driver.read(route)
    assert isinstance(read, Split)
    assert read.release == evil
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("code", "told", "within_s"),
    [
        ("import sys; sys.exit('no route to the balancer')", ": no route to the balancer", 20),
        ("print('ten percent')", "answered 'ten percent'; it should be", 20),
        ("print('{\"weight\": 110}')", "it should be", 20),
        ("import time; time.sleep(60)", "did not end within 0.5 s, so it was killed", 0.5),
    ],
)
async def test_a_program_that_fails_says_why(code: str, told: str, within_s: float) -> None:
    read = await CommandDriver(timeout_s=within_s).read(
        Route("command", {"read": (sys.executable, "-c", code), "set": ("x",)})
    )
    assert isinstance(read, Missing)
    assert told in read.reason


async def test_a_program_that_is_not_there_is_named() -> None:
    read = await CommandDriver().read(Route("command", {"read": ("/nowhere/split",), "set": ("x",)}))
    assert read == Missing("split cannot be run: No such file or directory")


async def test_a_program_is_given_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-emulator-secret")
    code = "import os, json; print(json.dumps({'note': os.environ.get('SLACK_BOT_TOKEN', 'none')}))"
    read = await CommandDriver().read(Route("command", {"read": (sys.executable, "-c", code), "set": ("x",)}))
    assert read == Split(note="none")
