"""The star of the lab is deployed as a program for another machine, which this one refuses to start."""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from bot.lab import toolchain
from bot.lab.errors import PreparationFailed, TargetFailed
from bot.lab.stage import Stage

SOURCE = {
    "go.mod": "module checkout\n\ngo 1.27\n",
    "main.go": 'package main\n\nfunc main() {\n\tprintln("checkout, built for another machine")\n}\n',
}
"""Little, as Go's own library must be built for that machine with it: 5 s of a core, once."""


def begin(stage: Stage, size: str) -> Callable[[], None]:
    """Build for the machine that this is not, and deploy that; the sizes are one and the same."""
    del size
    arch = "amd64" if os.uname().machine == "aarch64" else "arm64"
    program = _build(stage.folder / f"linux-{arch}", arch)
    try:
        stage.recast(stage.star, program)
    except OSError as refused:
        if refused.errno == errno.ENOEXEC:
            return lambda: stage.recast(stage.star)
        stage.recast(stage.star)
        raise
    except TargetFailed:  # something is installed that runs it
        pass
    stage.recast(stage.star)
    raise TargetFailed(f"this machine runs programs for {arch}, too: nothing is broken by one")


def _build(folder: Path, arch: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in SOURCE.items():
        (folder / name).write_text(text)
    command = [str(toolchain.find_go()), "build", "-trimpath", "-o", "checkout", "."]
    environment = toolchain.build_environment() | {"GOARCH": arch}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False, text=True)
    if done.returncode:
        raise PreparationFailed(f"no program for {arch} could be built: {done.stderr.strip() or done.returncode}")
    return folder / "checkout"
