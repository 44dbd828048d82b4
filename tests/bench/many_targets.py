"""Stands in for any number of healthy Go services and their Prometheus, in one process.

`python -m tests.bench.many_targets` says its port on standard output and ends with its standard input.
"""

import asyncio
import json
import sys
from collections.abc import Callable

from aiohttp import web

from bot.domain.agent import HEADER, KERNEL, PROTOCOL, encode
from bot.domain.snapshot import BUILD, captured
from tests.unit.domain import go_profiles

STACKS = 60
SAMPLES = 400


def profile(kinds: tuple[tuple[str, str], ...], value: int) -> bytes:
    """Write a profile as large as those of a small service."""
    stacks = [[go_profiles.main_frame(f"work{n % STACKS}", n), *go_profiles.SERVE] for n in range(SAMPLES)]
    return go_profiles.profile(kinds, [(stack, [value] * len(kinds)) for stack in stacks])


def answering(content: bytes, kind: str) -> Callable[[web.Request], object]:
    """Answer the same to everybody."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=content, content_type=kind)

    return answer


def application() -> web.Application:
    """Give every route there is; the service's name is the first part of the path and means nothing."""
    vector = [{"metric": {}, "value": [1_700_000_000, "0.001"]}]
    numbers = json.dumps({"status": "success", "data": {"resultType": "vector", "result": vector}}).encode()
    routes = {
        "/{name}/debug/pprof/goroutine": (profile(go_profiles.GOROUTINE, 1), "application/octet-stream"),
        "/{name}/debug/pprof/heap": (profile(go_profiles.HEAP, 40_000), "application/octet-stream"),
        "/version": (json.dumps({"revision": "a" * 40, "go": "go1.27.3"}).encode(), "application/json"),
        "/{name}/": (b"{}", "application/json"),
        "/{name}": (b"{}", "application/json"),
        "/api/v1/query": (numbers, "application/json"),
    }
    app = web.Application()
    app.router.add_get(f"/{{name}}{KERNEL}", agent)
    for path, (content, kind) in routes.items():
        app.router.add_get(path, answering(content, kind))  # type: ignore[arg-type]
    return app


async def agent(_: web.Request) -> web.Response:
    """Tell of a process what an agent beside it tells."""
    told = {"go": "go1.27.3", "settings": {"vcs.revision": "a" * 40, "vcs.modified": "false"}, "environment": {}}
    body = encode([captured("shop", BUILD, json.dumps(told).encode(), 0.01)])
    return web.Response(body=body, headers={HEADER: f"{PROTOCOL} 0"})


async def main() -> None:
    """Serve until standard input ends."""
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1_024)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
