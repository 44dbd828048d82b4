"""A Pushgateway that asks who pushes: Debian's with a password, and one behind an nginx that wants a token."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.adapters.pushgateway import JOB, Pushgateway
from bot.doctor import Doctor
from bot.domain.checks import Check, State
from bot.domain.guard_plan import Reason
from bot.domain.run import Missing
from bot.settings import Settings
from tests.integration.contracts.test_gateway import running_pushgateway
from tests.routers.programs import Running, running
from tests.samples import BOTS
from tests.stack import free_port

pytestmark = BOTS

PASSWORD, HASHED = "s3cret-of-prometheus", "$2b$04$abcdefghijklmnopqrstuuzr/34qMbhk8koY/slifteMLwjftqIRm"
TOKEN = "hunter2"
MEND = "start it, or correct `pushgateway` or FIRSTFIVE_PUSHGATEWAY_TOKEN: docs/build-guard.md"
UNTOLD = "what the build guard finds is not pushed"
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    default_type text/plain;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        if ($http_authorization != "Bearer {token}") {{ return 403 "not with $http_authorization"; }}
        location / {{ proxy_pass {upstream}; }}
    }}
}}
"""


@asynccontextmanager
async def asking(folder: Path) -> AsyncIterator[str]:
    """Run a Pushgateway that nobody but Prometheus may use."""
    (folder / "web.yml").write_text(json.dumps({"basic_auth_users": {"prometheus": HASHED}}))
    async with running_pushgateway(folder, f"--web.config.file={folder / 'web.yml'}") as url:
        yield url


@contextmanager
def behind_nginx(folder: Path, upstream: str) -> Iterator[str]:
    """Let through who shows the token; who does not is told what was shown."""
    port, config = free_port(), folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, token=TOKEN, upstream=upstream))
    command = ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(config)]
    with running(Running(f"127.0.0.1:{port}", {}, command, folder / "nginx.log")):
        yield f"http://127.0.0.1:{port}"


async def groups(url: str, **shown: Any) -> list[str]:
    """Give the services that it was told of."""
    async with httpx.AsyncClient(trust_env=False, **shown) as client:
        told = (await client.get(f"{url}/api/v1/metrics")).raise_for_status().json()["data"]
    return [group["labels"]["service"] for group in told if group["labels"]["job"] == JOB]


async def found(folder: Path, **given: Any) -> list[Check]:
    """Give what is found about the Pushgateway, of an installation that has nothing else."""
    places = {"database_url": f"sqlite:///{folder}/firstfive.db", "artifacts_url": str(folder / "artifacts")}
    checks = await Doctor(Settings(**places, **given)).checks()
    return [check for check in checks if check.name == "pushgateway"]


async def refusal(gateway: Pushgateway) -> str:
    """Give why it takes nothing; both ways to tell it have the same reason."""
    pushed = await gateway.push("checkout", "prod", {Reason.DIRTY_TREE: 1})
    forgotten = await gateway.forget([("checkout", "prod")])
    assert isinstance(pushed, Missing)
    assert pushed == forgotten
    return pushed.reason


async def test_a_password_is_shown_and_never_told(tmp_path: Path) -> None:
    async with asking(tmp_path) as url:
        right = Pushgateway(url, f"prometheus:{PASSWORD}")
        assert await right.push("checkout", "prod", {Reason.DIRTY_TREE: 1}) is None
        assert await right.push("payment", "prod", {Reason.DIRTY_TREE: 0}) is None
        assert await right.forget([("payment", "prod")]) is None
        assert await groups(url, auth=("prometheus", PASSWORD)) == ["checkout"]
        for wrong in ("", "prometheus:other", PASSWORD):
            assert await refusal(Pushgateway(url, wrong)) == f"{url} answered 401: Unauthorized"
        in_address = url.replace("//", "//prometheus:other@")
        assert await Pushgateway(in_address, f"prometheus:{PASSWORD}").push("checkout", "prod", {}) is None


async def test_a_token_is_shown_and_never_told_even_if_it_is_said_again(tmp_path: Path) -> None:
    async with running_pushgateway(tmp_path) as behind:
        with behind_nginx(tmp_path, behind) as url:
            assert await Pushgateway(url, TOKEN).push("checkout", "prod", {Reason.DIRTY_TREE: 1}) is None
            assert await groups(behind) == ["checkout"]
            for wrong in ("hunter3", "ada:hunter3"):
                said = await refusal(Pushgateway(url, wrong))
                assert said.startswith(f"{url} answered 403: not with ")
                assert "hunter3" not in said
                assert "YWRhOmh1bnRlcjM=" not in said
                (check,) = await found(tmp_path, pushgateway=url, firstfive_pushgateway_token=wrong)
                assert (check.state, check.said, check.mend) == (State.WARN, f"{said}; {UNTOLD}", MEND)


async def test_the_doctor_says_whether_it_answers(tmp_path: Path) -> None:
    async with asking(tmp_path) as url:
        (there,) = await found(tmp_path, pushgateway=url, firstfive_pushgateway_token=f"prometheus:{PASSWORD}")
        assert await groups(url, auth=("prometheus", PASSWORD)) == []
    assert there.state is State.OK
    assert there.said.startswith(f"{url} answers, version 1.")
    (gone,) = await found(tmp_path, pushgateway=url)
    assert (gone.state, gone.mend) == (State.WARN, MEND)
    assert gone.said == f"{url} All connection attempts failed; {UNTOLD}"
    assert await found(tmp_path) == []


@pytest.mark.parametrize("body", [b"fine", b"[]", b'{"data": {}}', b"null"])
async def test_what_answers_and_is_no_pushgateway_is_told(body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    (check,) = await Pushgateway("http://gateway.test", "", transport).checks()
    said = "http://gateway.test does not tell its version: is it a Pushgateway?"
    assert (check.state, check.said) == (State.WARN, said)
