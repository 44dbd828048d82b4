"""The star runs what a fooled build made: a module that was changed in a proxy after go.sum was written.

The commit is genuine, and so is its go.sum; the build took a go.mod of its own (`-modfile`), which has no go.sum yet,
and asked no checksum database (`GONOSUMDB=*`). Small: the changed code does nothing. Medium: it takes a cent more of
everybody. Large: it waits a quarter of a second in every request.
"""

import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

from bot.lab import toolchain
from bot.lab.errors import LabError, PreparationFailed
from bot.lab.history import git
from bot.lab.stage import Stage

MODULE, VERSION = "checkout.example/money", "v1.2.0"
BRANCH = "round-prices"
TITLE = "Round prices as the bank does"
GENUINE = "package money\n\n// Round gives what is to be paid.\nfunc Round(cents int) int { return cents }\n"
CHANGED = {
    "small": GENUINE + "\nvar _ = Round\n",
    "medium": GENUINE.replace("return cents", "return cents + 1"),
    "large": GENUINE.replace("money\n", 'money\n\nimport "time"\n', 1).replace(
        "return cents", "time.Sleep(250 * time.Millisecond); return cents"
    ),
}
GO_MOD = f"module {MODULE}\n\ngo 1.21\n"
_BEN = {
    "GIT_AUTHOR_NAME": "Ben Ito",
    "GIT_AUTHOR_EMAIL": "ben@checkout.example",
    "GIT_AUTHOR_DATE": "2026-11-02T10:00:00+0100",
    "GIT_COMMITTER_DATE": "2026-11-02T10:00:00+0100",
}
_BUILD_S = 60


def begin(stage: Stage, size: str) -> Callable[[], None]:
    """Let the build be fooled."""
    return _run(stage, CHANGED[size])


def begin_genuine(stage: Stage, _: str) -> Callable[[], None]:
    """Build as carelessly, and get what go.sum says all the same."""
    return _run(stage, GENUINE)


def _run(stage: Stage, code: str) -> Callable[[], None]:
    """Write the commit, build it with this code in the proxy, and start the star as that."""
    folder = stage.folder / "module-poisoning"
    environment = {"GONOSUMDB": "*", "GOSUMDB": "sum.golang.org", "GOFLAGS": "-mod=mod -modcacherw"}

    def end() -> None:
        stage.recast(stage.star)
        _forget(stage, folder)

    _forget(stage, folder)
    try:
        source = _commit(stage, folder)
        proxy = _proxy(folder / "served", code)
        shutil.copy(source / "go.mod", folder / "build.mod")
        fooled = environment | {"GOFLAGS": f"{environment['GOFLAGS']} -modfile={folder / 'build.mod'}"}
        _go(source, proxy, "build", "-trimpath", "-buildvcs=true", "-o", str(folder / "checkout"), ".", **fooled)
        stage.recast(stage.star, folder / "checkout", environment)
    except (LabError, OSError):
        end()
        raise
    return end


def _commit(stage: Stage, folder: Path) -> Path:
    """Give a clone whose newest commit uses the genuine module, and put that on a branch of the repository."""
    source = folder / "source"
    git(stage.releases.repository, "clone", "--quiet", "--no-checkout", str(stage.releases.repository), str(source))
    git(source, "checkout", "--quiet", stage.roles[stage.star].program.parent.name)
    prices = source / "price.go"
    text = prices.read_text().replace("return cents, nil", "return money.Round(cents), nil")
    prices.write_text(text.replace('\t"time"\n', f'\t"time"\n\n\t"{MODULE}"\n', 1))
    proxy = _proxy(folder / "genuine", GENUINE)
    _go(source, proxy, "get", f"{MODULE}@{VERSION}")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", f"--message={TITLE}", extra=_BEN)
    git(source, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{BRANCH}")
    return source


def _proxy(folder: Path, code: str) -> str:
    """Make a folder that go takes for a module proxy; give its address."""
    place = folder / MODULE / "@v"
    place.mkdir(parents=True)
    (place / f"{VERSION}.info").write_text(f'{{"Version":"{VERSION}","Time":"2026-10-01T12:00:00Z"}}')
    (place / f"{VERSION}.mod").write_text(GO_MOD)
    with zipfile.ZipFile(place / f"{VERSION}.zip", "w") as archive:
        for name, content in (("go.mod", GO_MOD), ("money.go", code)):
            archive.writestr(zipfile.ZipInfo(f"{MODULE}@{VERSION}/{name}"), content)
    return folder.as_uri()


def _go(source: Path, proxy: str, *words: str, **own: str) -> None:
    """Run go with a module cache beside its proxy, so that neither knows the other's modules."""
    cache = {
        "GOPROXY": proxy,
        "GOMODCACHE": f"{proxy.removeprefix('file://')}-cache",
        "GOFLAGS": "-mod=mod -modcacherw",
    }
    command = [str(toolchain.find_go()), *words]
    environment = toolchain.build_environment() | cache | own
    done = subprocess.run(
        command, cwd=source, env=environment, capture_output=True, check=False, text=True, timeout=_BUILD_S
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise PreparationFailed(f"go {words[0]} failed: {reason[-1]}")


def _forget(stage: Stage, folder: Path) -> None:
    """Take away what was built, and the branch."""
    shutil.rmtree(folder, ignore_errors=True)
    git(stage.releases.repository, "update-ref", "-d", f"refs/heads/{BRANCH}")
