"""What a service says over HTTP of the build that it is, in the words that are in use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.buildinfo import EXPERIMENTS
from bot.domain.stamp import Stamp, of_document

_REVISION = ("revision", "commit", "gitCommit", "git_commit", "vcs.revision", "sha")
_RELEASE = ("release", "version", "gitVersion", "tag")
_GO = ("goVersion", "go_version", "go")
_MODIFIED = ("modified", "vcs.modified", "gitTreeState")
_INSIDE = ("data", "build", "info")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_TOOLCHAIN = re.compile(rf"go1\.[\w.+-]{{1,30}}(?:{EXPERIMENTS})?")
_DIRTY, _CLEAN = (True, "true", "dirty"), (False, "false", "clean")
_LONGEST = 100


@dataclass(frozen=True)
class Served:
    """What it says; "" for what it does not, or in no form that can be used. `stamp` is what it says was stamped.

    `modified`: whether there were changes that no commit holds; None: it does not say.
    """

    release: str = ""
    revision: str = ""
    go: str = ""
    modified: bool | None = None
    stamp: Stamp = field(default=Stamp())


def read_served(document: Mapping[str, Any]) -> Served:
    """Read a version document: Prometheus's and Kubernetes' words, and those of Go's build info.

    What it says may lie one level below, as in Prometheus's `{"data": {...}}`.
    """
    inside = [document[name] for name in _INSIDE if isinstance(document.get(name), dict)]
    known = {**(inside[0] if inside else {}), **{key: each for key, each in document.items() if each not in inside}}
    revision, go = _text(known, _REVISION).lower(), _text(known, _GO)
    return Served(
        _text(known, _RELEASE),
        revision if _COMMIT.fullmatch(revision) else "",
        go if _TOOLCHAIN.fullmatch(go) else "",
        _modified(known),
        of_document(known.get("stamp")),
    )


def _modified(known: Mapping[str, Any]) -> bool | None:
    said = [known.get(key) for key in _MODIFIED]
    return True if any(each in _DIRTY for each in said) else False if any(each in _CLEAN for each in said) else None


def _text(known: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    found = (known.get(key) for key in keys)
    return next((each for each in found if isinstance(each, str) and 0 < len(each) <= _LONGEST), "")
