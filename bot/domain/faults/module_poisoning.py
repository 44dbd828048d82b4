"""A module in the running binary is not the one that was written down: it was changed on its way into the build."""

from collections import Counter

from bot.domain.buildinfo import Dependency
from bot.domain.facts import Facts
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Evidence, Finding, is_slowed, probe_evidence
from bot.domain.go_environment import Opening, unverified
from bot.domain.modules import GO_SUM, Changed, Modules, changed, name, unrecorded

FAULT = "module-poisoning"
SHOWN = 3
"""Modules told of in one finding; the audit lists them all."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find modules whose hash is not that of go.sum or of the checksum database, or not what other targets run."""
    if facts.modules is None:
        return None
    found = tuple(changed(facts.modules))
    return _proven(facts, facts.modules, found) if found else _odd(facts, facts.modules, beside)


def suspect(facts: Facts, beside: Beside) -> Finding | None:  # noqa: ARG001 - every rule takes it
    """Find modules that nobody wrote down, let in by an environment that verifies nothing, where users suffer."""
    modules = facts.modules
    if modules is None or any(changed(modules)) or not is_slowed(facts):
        return None
    unknown, opened = unrecorded(modules), unverified(modules.environment or {})
    if not unknown or not opened:
        return None
    claim = f"{_listed(unknown)} {'is' if len(unknown) == 1 else 'are'} compiled in but not in go.sum"
    return Finding(
        FAULT,
        facts.target,
        f"{claim}, and {opened[0].name}={opened[0].value} let it in unverified.",
        (*(_ran(facts, each, "nothing") for each in unknown[:SHOWN]), *_let_in(facts, opened), *probe_evidence(facts)),
        f"Unset {opened[0].name} where this is built, run `go mod tidy` and `go mod verify`, deploy what that gives.",
        1.0,
        LIKELY,
        "Every module of the running binary is in go.sum of its commit.",
    )


def _proven(facts: Facts, modules: Modules, found: tuple[Changed, ...]) -> Finding:
    first, opened = found[0], unverified(modules.environment or {})
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return Finding(
        FAULT,
        facts.target,
        f"{first.name} in the running binary is {_short(first.module.sum)}, and {first.source} has "
        f"{_short(first.expected)}{more}: it was changed on its way into the build.",
        (
            *(_ran(facts, each.module, f"{each.expected} ({_where(facts, each)})") for each in found[:SHOWN]),
            *_let_in(facts, opened),
            *probe_evidence(facts),
        ),
        f"Deploy the last good build. {_cure(first.module)}",
        1.0,
        CERTAIN,
        f"{first.name} in the running binary is {_short(first.expected)}.",
    )


def _odd(facts: Facts, modules: Modules, beside: Beside) -> Finding | None:
    """Compare with the other targets: where nothing is written down, the same version must still be the same."""
    opened = unverified(modules.environment or {})
    for module in modules.told:
        sums = Counter(each.sum for other in beside.others for each in _told(other) if name(each) == name(module))
        theirs, count = next(iter(sums.most_common(1)), (module.sum, 0))
        alike = sums[module.sum] + 1
        if theirs == module.sum or count < alike or (count == alike and not opened):
            continue  # of two halves nothing says which is right, but that one of them verifies nothing
        return Finding(
            FAULT,
            facts.target,
            f"{name(module)} in the running binary is {_short(module.sum)}, and {count} other "
            f"{'target has' if count == 1 else 'targets have'} {_short(theirs)} of the same version.",
            (_ran(facts, module, f"{theirs} (other targets)"), *_let_in(facts, opened)),
            f"Find out which is genuine: `/incident audit modules`. {_cure(module)}",
            1.0,
            LIKELY,
            f"All targets have the same {name(module)}.",
        )
    return None


def _told(facts: Facts) -> tuple[Dependency, ...]:
    return facts.modules.told if facts.modules else ()


def _ran(facts: Facts, module: Dependency, expected: str) -> Evidence:
    return Evidence(f"{name(module)} as compiled in", f"{module.sum}, where {expected} is written down", _file(facts))


def _let_in(facts: Facts, opened: tuple[Opening, ...]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(f"{each.name} of the process", f"{each.value}: {each.allows}", _file(facts)) for each in opened
    )


def _file(facts: Facts) -> str:
    return facts.file("build")


def _where(facts: Facts, found: Changed) -> str:
    return f"go.sum at {facts.build}" if found.source == GO_SUM else found.source


def _cure(module: Dependency) -> str:
    return (
        f"Purge {name(module)} from the module proxy and the build's module cache (`go clean -modcache`), leave "
        "GOSUMDB, GONOSUMDB and -mod=mod alone there, and build again with the commit's go.sum."
    )


def _short(checksum: str) -> str:
    """Write a hash as far as people compare it."""
    return f"{checksum[:15]}..."


def _listed(modules: tuple[Dependency, ...]) -> str:
    more = f" and {len(modules) - SHOWN} more" if len(modules) > SHOWN else ""
    return ", ".join(map(name, modules[:SHOWN])) + more
