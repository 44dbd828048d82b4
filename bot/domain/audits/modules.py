"""What of a service's modules is not what was written down, and what lets others in."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bot.domain.audits.remark import Grade, Remark
from bot.domain.go_environment import openings
from bot.domain.go_recipes import GO_SUM as DROPPED
from bot.domain.modules import SUMDB, Modules, VerifiedSums, changed, name, read, unrecorded
from bot.domain.sumdb.records import Sums

MOST_CACHED = "remove it with `go clean -modcache`, and see whether `go mod verify` is content then"


def judge(document: Mapping[str, Any]) -> tuple[Remark, ...]:
    """Give what should be otherwise: of running binaries, go.sum, the module cache, the database, and environments."""
    verified = _sums(document["database"]["sums"])
    return (
        *_binaries(document, verified),
        *_written(document["recorded"], verified),
        *_cached(document, verified),
        *_refused(document["database"]),
        *_environments(document),
        *_recipes(document["recipes"]),
    )


def verified_sums(document: Mapping[str, Any]) -> VerifiedSums:
    """Give what the checksum database was proven to say; nothing in what another audit found."""
    return VerifiedSums(_sums(document.get("database", {}).get("sums", {})))


def _binaries(document: Mapping[str, Any], verified: Sums) -> Iterator[Remark]:
    for target, build in document["targets"].items():
        modules = read(build)
        if modules is None:
            continue
        known = replace(modules, recorded=_sums(document["recorded"].get(build["revision"], {})), verified=verified)
        yield from _poisoned(target, known)
        for each in unrecorded(known):
            what = f"{name(each)} is compiled in, and go.sum of {build['revision'][:7]} does not know it"
            yield Remark(
                Grade.RISKY, "unrecorded", target, what, "build with -mod=readonly and the commit's own go.sum"
            )


def _poisoned(target: str, modules: Modules) -> Iterator[Remark]:
    for each in changed(modules):
        what = f"{each.name} in the running binary is {each.module.sum}, and {each.source} has {each.expected}"
        yield Remark(Grade.WRONG, "poisoned", target, what, "purge it from proxy and module cache, and build again")


def _written(recorded: Mapping[str, Any], verified: Sums) -> Iterator[Remark]:
    """Hold each line of go.sum against the database; of several hashes of a version, all must be right."""
    for revision, sums in recorded.items():
        for module, hashes in _sums(sums).items():
            wrong = [each for each in hashes if module in verified and each not in verified[module]]
            for each in wrong:
                what = f"go.sum has {each} for {module}, and {SUMDB} has {verified[module][0]}"
                better = "find out how it came there; remove the line and let `go mod tidy` write it with GOSUMDB on"
                yield Remark(Grade.WRONG, "go.sum", f"go.sum at {revision[:7]}", what, better)


def _cached(document: Mapping[str, Any], verified: Sums) -> Iterator[Remark]:
    cache = document["cache"]
    written = [_sums(each) for each in document["recorded"].values()]
    for module, places in cache["sums"].items():
        expected = verified.get(module) or next((each[module] for each in written if module in each), ())
        for place, checksum in places.items():
            if expected and checksum not in expected:
                what = f"the {place} of {module} in the module cache is {checksum}, and should be {expected[0]}"
                yield Remark(Grade.WRONG, "cache", cache["where"], what, MOST_CACHED)
    for module, reason in cache["refused"].items():
        yield Remark(Grade.WRONG, "cache", cache["where"], f"{module}: {reason}", MOST_CACHED)


def _refused(database: Mapping[str, Any]) -> Iterator[Remark]:
    for reason in database["refused"]:
        better = "believe nothing that comes by this way: somebody in between, or the database itself, is lying"
        yield Remark(Grade.WRONG, "database", database["name"], reason, better)


def _environments(document: Mapping[str, Any]) -> Iterator[Remark]:
    told = {target: build["environment"] for target, build in document["targets"].items()}
    for where, environment in {**told, **document["environments"]}.items():
        for each in openings(environment or {}):
            grade = Grade.RISKY if each.wide else Grade.WEAK
            yield Remark(grade, "environment", where, f"{each.name}={each.value}: {each.allows}", each.better)


def _recipes(recipes: list[Mapping[str, str]]) -> Iterator[Remark]:
    for each in recipes:
        if each["name"] == DROPPED:
            what = f"`{each['value']}`: the build writes a new go.sum, and takes whatever comes"
            yield Remark(
                Grade.RISKY, "recipe", each["where"], what, "leave go.sum alone: it is what a build is held to"
            )
            continue
        for found in openings({each["name"]: each["value"]}):
            grade = Grade.RISKY if found.wide else Grade.WEAK
            yield Remark(grade, "recipe", each["where"], f"{found.name}={found.value}: {found.allows}", found.better)


def _sums(told: Mapping[str, Any]) -> Sums:
    return {module: tuple(hashes) for module, hashes in told.items()}
