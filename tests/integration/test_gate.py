"""The deploy gate as a pipeline meets it: the command, here and against a bot; real signatures, a real database."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn
from typer.testing import Result

from bot.main import create_app
from bot.schema import ensure_schema
from bot.settings import read
from tests.cli import firstfive
from tests.cosigned import CYCLONEDX, DIGEST, Signer, cyclonedx

SIGNER, STRANGER = Signer(), Signer()
TOKEN = "deploys-secret"
T = TypeVar("T")


def proofs(folder: Path, signer: Signer, name: str) -> str:
    path = folder / name
    lines = [signer.image(), SIGNER.attest(CYCLONEDX, cyclonedx())]
    path.write_text("\n".join(lines))
    return str(path)


@pytest.fixture
def house(tmp_path: Path) -> dict[str, str]:
    config = ["[[services]]", 'name = "checkout"', "[services.gate]", f'keys = ["{SIGNER.public(tmp_path)}"]']
    (tmp_path / "firstfive.toml").write_text("\n".join(config))
    return {
        "FIRSTFIVE_CONFIG": str(tmp_path / "firstfive.toml"),
        "ARTIFACTS_URL": str(tmp_path / "artifacts"),
        "DATABASE_URL": f"sqlite:///{tmp_path}/main.db",
        "FIRSTFIVE_DEPLOYS_TOKEN": TOKEN,
    }


def gate(house: dict[str, str], *words: str, **environment: str) -> Result:
    return firstfive("gate", "checkout", "v1.2.3", "--digest", DIGEST, *words, **{**house, **environment})


def test_a_pipeline_is_let_through_or_stopped_by_the_exit_code(tmp_path: Path, house: dict[str, str]) -> None:
    allowed = gate(house, "--proofs", proofs(tmp_path, SIGNER, "good"))
    assert (allowed.exit_code, allowed.stderr) == (0, "")
    assert allowed.stdout.startswith("gate done: checkout v1.2.3 may be deployed: signed by release.pub; made of 1")
    denied = gate(house, "--proofs", proofs(tmp_path, STRANGER, "bad"), "--json")
    assert denied.exit_code == 3
    assert json.loads(denied.stdout)["reason"].startswith("checkout v1.2.3 is denied: untrusted: no trusted key has")
    named = gate(house, "--proofs", proofs(tmp_path, SIGNER, "good"), "--id", "pipeline-7")
    assert (named.exit_code, named.stdout) == (2, "")
    assert "--id goes with --to" in named.stderr
    missing = gate(house, "--proofs", str(tmp_path / "nothing"))
    assert (missing.exit_code, "cannot be read: No such file" in missing.stderr) == (2, True)


@contextmanager
def served(house: dict[str, str]) -> Iterator[str]:
    """Serve a bot in a thread; give its address."""
    settings = read(house)
    ensure_schema(settings)
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def broken_off(url: str) -> None:
    """Begin to ask as a pipeline does that is killed meanwhile."""
    where = httpx.URL(url)
    with socket.create_connection((where.host, where.port or 0)) as connection:
        head = f"POST /gate HTTP/1.1\r\nHost: {where.host}\r\nAuthorization: Bearer {TOKEN}\r\n"
        head += "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
        connection.sendall((head + '{"service": "checkout", "release": "v3", ').encode())


def told_deploys(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{url}/api/v1/services/checkout").json()["deploys"]
    return found


def until(look: Callable[[], T], holds: Callable[[T], bool]) -> T:
    for _ in range(100):
        if holds(found := look()):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def test_a_bot_answers_a_pipeline_that_has_only_its_address(
    tmp_path: Path, house: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = proofs(tmp_path, SIGNER, "good"), proofs(tmp_path, STRANGER, "bad")
    with served(house) as url, caplog.at_level(logging.ERROR):
        allowed = gate(house, "--proofs", good, "--to", url, "--id", "pipeline-7")
        assert (allowed.exit_code, allowed.stdout.startswith("allowed: checkout v1.2.3 may be deployed")) == (0, True)
        denied = gate(house, "--proofs", bad, "--to", url, "--json")
        assert (denied.exit_code, json.loads(denied.stdout)["allowed"]) == (3, False)
        replayed = gate(house, "--proofs", bad, "--to", url, "--id", "pipeline-7")
        assert (replayed.exit_code, "replayed: 'pipeline-7'" in replayed.stdout) == (1, True)
        stranger = gate(house, "--proofs", good, "--to", url, FIRSTFIVE_DEPLOYS_TOKEN="")
        assert (stranger.exit_code, stranger.stdout) == (
            1,
            "denied: send the token: Authorization: Bearer, and what FIRSTFIVE_DEPLOYS_TOKEN holds here\n",
        )
        headers, form = {"Authorization": f"Bearer {TOKEN}"}, {"service": "checkout", "release": "v2", "digest": DIGEST}
        with Path(good).open("rb") as file:
            told = httpx.post(f"{url}/gate", headers=headers, data=form, files={"proofs": file})
        assert (told.status_code, told.json()["allowed"]) == (200, True)
        broken_off(url)
        deploys = until(lambda: told_deploys(url), lambda found: len(found) > 4)
        assert sorted((each["release"], each["source"], each["obstacles"]) for each in deploys) == [
            ("v1.2.3", "gate", ""),
            ("v1.2.3", "gate", "replayed"),
            ("v1.2.3", "gate", "untrusted"),
            ("v2", "gate", ""),
            ("v3", "gate", "incomplete"),
        ]
    assert not caplog.records
    nobody = gate(house, "--proofs", good, "--to", url)
    assert (nobody.exit_code, nobody.stdout.startswith(f"denied: not verified: {url} does not answer")) == (1, True)
