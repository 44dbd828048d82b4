"""Debian's Prometheus as a process of the test's own."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.stack import free_ports

PROGRAM = "prometheus"


@asynccontextmanager
async def running_prometheus(folder: Path, config: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Start one with a configuration (YAML); give its address and its process. It may not answer yet."""
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed")
    file, port = folder / "prometheus.yml", free_ports(0)
    file.write_text(config)
    with (folder / "prometheus.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, f"--config.file={file}", f"--storage.tsdb.path={folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{port}", stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        await process.wait()
