"""Make .venv hold what a lock file pins, and this folder itself; quick when it does already.

`make` calls it with the Python that it found: only the standard library is there.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "firstfive.json"
LOG = VENV / "install.log"
LOCKS = {"core": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
PIP = (str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check")
FETCHED = ("Collecting", "Ignoring", "Requirement already satisfied")
OFFLINE = (
    "Temporary failure in name resolution",
    "Failed to establish a new connection",
    "No matching distribution found",
    "Max retries exceeded",
    "ReadTimeoutError",
)


class NotSetUp(Exception):
    """The environment could not be made; the message is one line that says what to do."""


def main() -> int:
    """Set up the environment named on the command line, `core` or `dev` (which holds core too)."""
    wanted = sys.argv[1]
    if is_ready(wanted):
        return 0
    started = time.monotonic()
    try:
        VENV.mkdir(exist_ok=True)
        with (VENV / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another `make` may be at it
            if not is_ready(wanted):
                set_up(wanted)
                say(f"The environment is ready after {time.monotonic() - started:.0f} s.")
    except NotSetUp as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("Stopped; the same command goes on where this one was.")
        return 130
    except OSError as error:
        say(f"error: .venv cannot be written ({error.strerror}): free some space or make this folder writable")
        return 1
    return 0


def fingerprint(profile: str) -> str:
    """Give what an installation depends on: where it is, its Python, its lock, how the package is declared."""
    found = hashlib.sha256(f"{VENV}\n{sys.version_info[:2]}\n{sys.base_prefix}".encode())
    for file in (LOCKS[profile], ROOT / "pyproject.toml"):
        found.update(file.read_bytes())
    return found.hexdigest()


def is_ready(profile: str) -> bool:
    """Tell whether the environment holds a profile; `dev` holds `core`."""
    try:
        done = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    enough = ("dev",) if profile == "dev" else ("core", "dev")
    return PYTHON.exists() and any(done.get(name) == fingerprint(name) for name in enough)


def set_up(profile: str) -> None:
    """Install a profile: the environment, the pinned packages, this folder."""
    STAMP.unlink(missing_ok=True)
    make_venv()
    lock = LOCKS[profile]
    total = sum("==" in line for line in lock.read_text().splitlines())
    install_all((*PIP, "--no-deps", "--no-compile", "--require-hashes", "-r", lock.name), total)
    install_all((*PIP, "--no-deps", "--no-build-isolation", "--no-index", "-e", "."), 0)
    STAMP.write_text(json.dumps({profile: fingerprint(profile)}))


def make_venv() -> None:
    """Make a virtual environment unless a whole one of this very place and Python is there."""
    if is_whole():
        return
    say("Making a virtual environment in .venv ...")
    command = [getattr(sys, "_base_executable", sys.executable), "-m", "venv", "--clear", str(VENV)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode == 0:
        return
    if "ensurepip" in done.stdout + done.stderr:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise NotSetUp(f"this Python has no venv module: apt-get install {package} (or python3-venv), then try again")
    raise NotSetUp(f"`{' '.join(command)}` failed: {last_line(done.stderr)}")


def is_whole() -> bool:
    """Ask the environment's own Python where it thinks it is: a moved folder or an upgraded Python answers wrong."""
    if not PYTHON.exists() or not (VENV / "bin" / "pip").exists():
        return False
    asked = "import sys, pip; print(sys.prefix, sys.version_info[:2])"
    done = subprocess.run([str(PYTHON), "-c", asked], capture_output=True, check=False, text=True)
    shebang = (VENV / "bin" / "pip").read_bytes()[:4096]
    return done.stdout.strip() == f"{VENV} {sys.version_info[:2]}" and os.fsencode(str(VENV)) in shebang


def install_all(command: tuple[str, ...], total: int) -> None:
    """Run pip with a counter instead of its own many lines; they are kept in a log."""
    environment = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PYTHONWARNINGS": "ignore"}
    environment.setdefault("PIP_RETRIES", "2")
    lines = []
    with (
        LOG.open("a") as log,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as pip,
    ):
        for line in pip.stdout or ():
            log.write(line)
            lines.append(line)
            if total:
                show(line, sum(kept.startswith(FETCHED) for kept in lines), total)
    if pip.returncode:
        raise NotSetUp(explain(lines))


def show(line: str, fetched: int, total: int) -> None:
    """Turn one line of pip's into progress."""
    if line.startswith(FETCHED):
        progress(f"Fetching packages: {fetched} of {total}")
    elif line.startswith("Installing collected packages"):
        progress(f"Installing {total} packages ...", last=True)


def explain(lines: list[str]) -> str:
    """Make one line of what pip said."""
    said = "".join(lines)
    if "DO NOT MATCH THE HASHES" in said:
        return "a package is not the one that the lock pins: your package index serves changed files; use another one"
    if "No space left" in said:
        return "the disk is full: about 200 MB are needed; free some space, then try again"
    if any(sign in said for sign in OFFLINE):
        return "no package index in reach: check the network, a proxy or pip's own configuration, then try again"
    return f"pip failed: {last_line(said)} (all it said: {LOG.relative_to(ROOT)})"


def last_line(text: str) -> str:
    """Give the last line with an error in it, or the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no reason given"])[-1]


def progress(text: str, *, last: bool = False) -> None:
    """Show a passing line on a terminal; in a pipe only the last one."""
    if last or sys.stderr.isatty():
        say(text, end="\n" if last else "")


def say(text: str, end: str = "\n") -> None:
    """Write a line, over a passing one."""
    sys.stderr.write(("\r\033[K" if sys.stderr.isatty() else "") + text + end)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
