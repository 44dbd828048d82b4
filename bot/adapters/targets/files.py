"""Files in the format of Prometheus's file_sd, JSON."""

from itertools import islice
from pathlib import Path

from bot.domain.discovery import DiscoveryPlan
from bot.domain.sightings import DiscoveryFailed, Found, NothingFound, of_file, plain

_MOST_FILES = 100
_MOST_BYTES = 1024 * 1024


def read_files(plan: DiscoveryPlan) -> Found:
    """Read every file that the plan names; one that cannot be read is a loss, as long as there is another.

    :raises DiscoveryFailed: there is no file, or none that can be read.
    :raises NothingFound: there are files, and no target in them is meant.
    """
    paths = sorted({path for pattern in plan.files for path in _matching(pattern)})
    if not paths:
        raise DiscoveryFailed(f"no file is at {', '.join(plan.files)}: see `files`")
    found, losses = [], []
    for path in paths[:_MOST_FILES]:
        try:
            found.append(_read(path, plan))
        except DiscoveryFailed as failure:
            losses.append(f"{plain(str(path))} {failure}")
    if not found:
        raise DiscoveryFailed("; ".join(losses[:3]))
    sightings = tuple(each for one in found for each in one.sightings)
    losses += [loss for one in found for loss in one.losses]
    if not sightings and not losses:
        raise NothingFound(f"{', '.join(plan.files)}: no target there is meant: see `labels`")
    return Found(sightings, tuple(losses))


def _matching(pattern: str) -> list[Path]:
    path = Path(pattern)
    try:
        return list(islice(Path(path.anchor).glob(str(path.relative_to(path.anchor))), _MOST_FILES))
    except OSError as error:
        raise DiscoveryFailed(f"{plain(pattern)[:100]} cannot be looked for: {error.strerror}") from error


def _read(path: Path, plan: DiscoveryPlan) -> Found:
    if path.suffix in {".yml", ".yaml"}:
        raise DiscoveryFailed("is YAML: write it as JSON, which Prometheus reads as well")
    try:
        if not path.is_file():
            raise DiscoveryFailed("is no file")
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise DiscoveryFailed(f"cannot be read: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise DiscoveryFailed(f"has more than {_MOST_BYTES // 1024 // 1024} MB")
    return of_file(content.decode("utf-8", "replace"), plan)
