"""A process that was stopped: its port takes connections still, and nothing more; what is told of it is true."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from bot.adapters.kernel import LocalKernel
from bot.adapters.targets import Caps, HttpTargets
from bot.domain.examination import examine
from bot.domain.service import Target
from bot.domain.silence import explain
from bot.domain.snapshot import GOROUTINE

WEB = "import http.server as h; s = h.HTTPServer(('127.0.0.1', 0), h.BaseHTTPRequestHandler); print(s.server_port); "


@pytest.fixture
def stopped() -> Iterator[tuple[Target, int]]:
    serving = [sys.executable, "-u", "-c", f"{WEB}s.serve_forever()"]
    with subprocess.Popen(serving, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with closing(process.stdout):
            base = f"http://127.0.0.1:{process.stdout.readline().strip()}"
            process.send_signal(signal.SIGSTOP)
            yield Target("checkout-2", "checkout", base, base), process.pid
            process.kill()


async def test_a_stopped_process_is_told_of_by_what_it_accepts_and_what_the_kernel_says(
    stopped: tuple[Target, int],
) -> None:
    target, pid = stopped
    targets = HttpTargets(caps=Caps(probe_s=0.3))
    parts, probe = await asyncio.gather(
        targets.capture(target, [replace(GOROUTINE, timeout_s=0.3)]), targets.probe(target, 2)
    )
    kernel = await LocalKernel().capture(target, await targets.locate(target))
    told = explain([examine([*parts, *kernel], probe)])

    assert "it accepts connections, but /debug/pprof/goroutine did not end in 0.3 s (nothing came)" in told
    assert "Its users get 2 x timeout" in told
    assert told.endswith(f"It was stopped by a signal or a debugger: `kill -CONT {pid}` lets it go on.")
