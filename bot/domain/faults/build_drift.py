"""Another program runs than the one that was deployed: another commit, changes that no commit holds, another build."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.domain.buildinfo import is_toolchain
from bot.domain.expected import SHORT, Expected, Lineage
from bot.domain.facts import Build, Facts
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Evidence, Finding
from bot.domain.guard_plan import Reason

FAULT = "build-drift"
MIN_ALIKE = 2
"""Others that must agree before one is the odd one."""
RECORD = "the deploy record"
_NAMES = {Reason.GO_VERSION_MISMATCH: "toolchain", Reason.BUILD_ID_MISMATCH: "link id"}


@dataclass(frozen=True)
class Drift:
    """One way in which what runs is not what should run. `weight` puts the finding of one target before another's."""

    reason: Reason
    claim: str
    what: str
    value: str
    fix: str
    verify: str
    confidence: str = LIKELY
    weight: float = 0.5


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a program that is not the one of the deploy record, or that no commit of the repository makes again.

    Where nobody tells of deploys nothing is known of what should run: a build of somebody's own tree may be just that.
    """
    expected = facts.expected
    found = drifts(facts, beside) if expected is not None and expected.deploy else ()
    if not found:
        return None
    first, file = found[0], facts.file("build") or facts.file("version") or facts.file("goroutine")
    return Finding(
        FAULT,
        facts.target,
        " ".join(each.claim for each in found),
        tuple(Evidence(each.what, each.value, file) for each in found),
        first.fix,
        first.weight,
        CERTAIN if any(each.confidence == CERTAIN for each in found) else LIKELY,
        first.verify,
    )


def drifts(facts: Facts, beside: Beside) -> tuple[Drift, ...]:
    """Give every way in which a target's program differs from what should run there, the worst first."""
    return tuple(_drifts(facts, facts.expected or Expected(), beside))


def _drifts(facts: Facts, expected: Expected, beside: Beside) -> Iterator[Drift]:
    build, lineage = facts.build, expected.lineage
    if lineage is not None and not lineage.refs:
        yield _stray(build, lineage)
    if not expected.changing and is_another(build, expected):
        yield _another(build, expected, beside)
    if build.modified:
        yield Drift(
            Reason.DIRTY_TREE,
            f"It was built from {_commit(build)} and changes that no commit holds.",
            "vcs.modified",
            "true",
            "Commit what was changed, or throw it away; build from a clean work tree, and deploy that.",
            "Its build info says vcs.modified=false.",
            CERTAIN,
        )
    yield from _otherwise(build, expected, beside)


def _stray(build: Build, lineage: Lineage) -> Drift:
    """Say that what runs can never be built again, nor a culprit be found in it."""
    gone = "which no branch and no tag holds" if lineage.sha else "which the repository does not have"
    return Drift(
        Reason.COMMIT_UNKNOWN,
        f"It runs {_commit(build)}, {gone}: nobody can build it again.",
        "vcs.revision",
        f"{build.revision}, {gone}",
        "Push that commit to a branch, or deploy a release that the repository has.",
        "A branch or a tag holds the commit that runs.",
        CERTAIN if not lineage.sha else LIKELY,
        1.0,
    )


def is_another(build: Build, expected: Expected) -> bool:
    """Tell whether it is another commit than the record's; by the names of the releases where no commit is known."""
    if expected.deploy is None:
        return False
    return all(_differs(build, each) for each in (expected, *(Expected(before) for before in expected.before)))


def _differs(build: Build, expected: Expected) -> bool:
    assert expected.deploy is not None  # noqa: S101 - for the type checker: `is_another` has looked
    same = expected.meets(build.revision)
    return bool(build.release) and build.release != expected.deploy.release if same is None else not same


def _another(build: Build, expected: Expected, beside: Beside) -> Drift:
    deploy, runs = expected.deploy, _commit(build) if build.revision else build.release
    assert deploy is not None  # noqa: S101 - for the type checker: `is_another` has looked
    others = [each for each in beside.others if each.build.revision or each.build.release]
    right = sum(not (each.expected and is_another(each.build, each.expected)) for each in others)
    alike = sum(_same(each.build, build) for each in others)
    deployed = f"what was deployed at {deploy.at:%Y-%m-%d %H:%M} UTC: {deploy.words}"
    told = f"It runs {runs}, {_distance(expected.lineage)} {deployed}."
    if others and alike == len(others):
        fix = f"Either it went out without being told: record it (`/incident deploy`); or deploy {deploy.words} again."
        told += f" So {'does the other target' if alike == 1 else f'do all {alike} others'}."
    else:
        told += f" {right} of {len(others)} others run that." if others else ""
        fix = f"Deploy {deploy.words} to this target; find out why it was passed over, or who restarted it."
    verify = f"Its build info says {(expected.commit or deploy.release)[:SHORT]}, like the record."
    confidence = LIKELY if others and alike == len(others) else CERTAIN
    value = f"{runs}; {deploy.words}"
    return Drift(Reason.COMMIT_MISMATCH, told, f"what runs; {RECORD}", value, fix, verify, confidence, 1.0)


def _distance(lineage: Lineage | None) -> str:
    """Say how far a commit is from the one that should run, by the history of both."""
    if lineage is None or not lineage.sha or not lineage.other:
        return "and not"
    ahead, behind = _commits(lineage.ahead), _commits(lineage.behind)
    if not lineage.ahead:
        return f"{behind} behind"
    return f"{ahead} ahead of" if not lineage.behind else f"with {ahead} of its own and {behind} short of"


def _otherwise(build: Build, expected: Expected, beside: Beside) -> Iterator[Drift]:
    """Give in what it was built otherwise than the record says, or the others that run this commit.

    Link ids are held against the record alone: machines of two kinds run two programs of one commit.
    """
    same = expected.meets(build.revision)
    deploy = expected.deploy if same else None
    alike = [each.build.go for each in beside.others if build.revision and each.build.revision == build.revision]
    recorded = deploy.go if deploy else ""
    if not is_toolchain(build.go, recorded):
        yield from _unlike(Reason.GO_VERSION_MISMATCH, build.go, recorded, _agreed(alike))
    deploy = None if same is False or build.modified or expected.changing else expected.deploy
    if deploy is not None and deploy.build != build.stamp.build_id:
        yield from _unlike(Reason.BUILD_ID_MISMATCH, build.id, deploy.build)
    if same and not expected.changing and not build.modified:
        yield from _elsewhere(build, beside)


def _elsewhere(build: Build, beside: Beside) -> Iterator[Drift]:
    """Find the same program in another environment than all others that run it have."""
    others = [each.build.environment for each in beside.others if each.build.revision == build.revision]
    if build.environment is None or len(others) < MIN_ALIKE or len(set(others)) > 1 or others[0] is None:
        return
    mine, theirs = dict(build.environment), dict(others[0])
    unlike = sorted(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name))
    here, there = (", ".join(f"{name}={known.get(name, '(unset)')}" for name in unlike) for known in (mine, theirs))
    if unlike:
        yield Drift(
            Reason.ENVIRONMENT_MISMATCH,
            f"It runs in another environment: {here}, the others of the same commit: {there}.",
            "environment",
            f"{here}; the others: {there}",
            "Give every target the environment that was deployed, and start this one again.",
            f"It has {there}, like the others.",
        )


def _unlike(reason: Reason, mine: str, recorded: str, others: str = "") -> Iterator[Drift]:
    wanted, what = recorded or others, _NAMES[reason]
    if not mine or not wanted or mine == wanted:
        return
    who = RECORD if recorded else "the others of the same commit"
    yield Drift(
        reason,
        f"It was built otherwise: {what} {_short(mine)}, {who}: {_short(wanted)}.",
        what,
        f"{mine}; {who}: {wanted}",
        "Deploy the one binary that was built and checked to every target; let no machine build its own.",
        f"Its {what} is {_short(wanted)}.",
        CERTAIN if recorded else LIKELY,
    )


def _agreed(values: list[str]) -> str:
    """Give what at least two others have in common, "" where they do not agree."""
    known = {value for value in values if value}
    return known.pop() if len(known) == 1 and len(values) >= MIN_ALIKE else ""


def _same(one: Build, other: Build) -> bool:
    read: Callable[[Build], str] = (lambda each: each.revision) if other.revision else (lambda each: each.release)
    return read(one) == read(other)


def _commit(build: Build) -> str:
    return build.revision[:SHORT] or "an unknown commit"


def _commits(count: int) -> str:
    return f"{count} commit{'' if count == 1 else 's'}"


def _short(value: str) -> str:
    return value if len(value) <= 2 * SHORT else f"{value[: 2 * SHORT]}..."
