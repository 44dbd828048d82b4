"""From the facts of all targets: which one differs and in what, which fault fits, or that nothing stands out."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from bot.domain.baseline import Baselines
from bot.domain.facts import Facts, Sockets
from bot.domain.faults import RULES, Beside, Finding
from bot.domain.faults.finding import Evidence, besides, megabytes, span, suffers
from bot.domain.goroutines import Group
from bot.domain.silence import explain
from bot.domain.snapshot import duration
from bot.domain.stacks import own_frame
from bot.domain.usual import Usual, beyond

RATIO = 2.0
"""With three targets or more: times the median of the others."""
RATIO_OF_TWO = 3.0
"""With two there is no middle to trust: the larger must be further off."""
SHOWN = 5
"""Differences named in a statement; the rest are in the report."""


@dataclass(frozen=True)
class Difference:
    """In what a target differs from the others, or from its own habit: its own value, and theirs, in words."""

    target: str
    what: str
    value: str
    others: str
    against: str = "the others"

    def __str__(self) -> str:
        return f"{self.target}: {self.what} {self.value}, {self.against} {self.others}"


@dataclass(frozen=True)
class Overview:
    """One target in a line each: for the card and the page. "" where unknown."""

    target: str
    goroutines: str
    heap: str
    build: str
    sockets: str
    probe: str
    groups: tuple[str, ...]
    holding: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Diagnosis:
    """The verdict (a fault class, or None), its statement, the findings most harmful first, and the ground for them."""

    verdict: str | None
    statement: str
    findings: tuple[Finding, ...]
    differences: tuple[Difference, ...]
    overviews: tuple[Overview, ...]

    @property
    def is_clean(self) -> bool:
        """Tell whether every target was examined, and none is sick."""
        return not self.findings and bool(self.overviews) and all(each.goroutines for each in self.overviews)

    @property
    def besides(self) -> str:
        """Name what else was found than the verdict, as a sentence that follows another; "" for nothing."""
        return besides(self.findings)


@dataclass(frozen=True)
class Measure:
    """A number that targets are compared by; a difference below `floor` is noise."""

    what: str
    floor: float
    read: Callable[[Facts], float | None]
    write: Callable[[float], str]


def _plain(value: float) -> str:
    return f"{value:.0f}"


def _state(state: str) -> Callable[[Facts], float | None]:
    return lambda facts: None if facts.sockets is None else float(facts.sockets.count(state))


MEASURES = (
    Measure("probe latency", 20.0, lambda facts: facts.probe.p50_ms if facts.probe else None, duration),
    Measure("goroutines", 50.0, lambda facts: facts.goroutines, _plain),
    Measure("heap in use", 16e6, lambda facts: facts.heap.inuse_bytes if facts.heap else None, megabytes),
    Measure("sockets ESTABLISHED", 100.0, _state("ESTABLISHED"), _plain),
    Measure("sockets CLOSE_WAIT", 20.0, _state("CLOSE_WAIT"), _plain),
    Measure("sockets TIME_WAIT", 500.0, _state("TIME_WAIT"), _plain),
    Measure("errors in its log", 10.0, lambda facts: facts.log.errors if facts.log else None, _plain),
    Measure(
        "open files", 100.0, lambda facts: facts.process.fds if facts.process and facts.process.fds else None, _plain
    ),
)


def diagnose(facts: Mapping[str, Facts], usual: Usual | None = None, baselines: Baselines | None = None) -> Diagnosis:
    """Compare the targets and rank what fits. Pure: the same facts give the same diagnosis.

    :param usual: what earlier digests found usual of the service's targets in healthy times.
    :param baselines: what each target was like when a diagnosis last found nothing.
    """
    targets = [facts[name] for name in sorted(facts)]
    findings = tuple(_findings(targets, baselines or Baselines()))
    among = (*_probe_differences(targets), *_build_differences(targets), *_number_differences(targets))
    known = {(each.target, each.what) for each in among}
    unusual = (each for each in _unusual(targets, usual or Usual()) if (each.target, each.what) not in known)
    differences = (*among, *unusual)
    return Diagnosis(
        verdict=findings[0].fault if findings else None,
        statement=_statement(targets, findings, differences),
        findings=findings,
        differences=differences,
        overviews=tuple(map(_overview, targets)),
    )


def _findings(targets: Sequence[Facts], baselines: Baselines) -> list[Finding]:
    """Ask every rule of every target; where users are seen to suffer comes first, then harm, then size."""
    found: list[tuple[tuple[bool, int, float, str], Finding]] = []
    for each in targets:
        before = baselines.of(each.target)
        beside = Beside([other for other in targets if other is not each], before.facts if before else None)
        for place, rule in enumerate(RULES):
            if (finding := rule(each, beside)) is not None:
                order = (not suffers(each.probe), place, -finding.weight, each.target)
                found.append((order, replace(finding, evidence=(*finding.evidence, *_log_evidence(each)))))
    return [finding for _, finding in sorted(found, key=lambda item: item[0])]


def _log_evidence(facts: Facts) -> tuple[Evidence, ...]:
    """Give what the target's own log says meanwhile; a log without complaints proves nothing."""
    log = facts.log
    if log is None or not (log.errors or log.warnings or log.timeouts):
        return ()
    return (Evidence("its log", str(log), facts.file("log")),)


def _number_differences(targets: Sequence[Facts]) -> Iterable[Difference]:
    for measure in MEASURES:
        known = [(each.target, value) for each in targets if (value := measure.read(each)) is not None]
        ratio = RATIO if len(known) > 2 else RATIO_OF_TWO  # noqa: PLR2004 - two have no middle
        for target, value in known:
            others = [other for name, other in known if name != target]
            if others and value - median(others) >= measure.floor and value >= ratio * median(others):
                yield Difference(target, measure.what, measure.write(value), span(others, measure.write))


def _unusual(targets: Sequence[Facts], usual: Usual) -> Iterable[Difference]:
    """Name numbers that are beyond a target's own habit: what all targets suffer alike, no comparison shows."""
    for measure, name in zip(MEASURES, ("answer", "goroutines", "heap"), strict=False):
        for each in targets:
            value, middle = measure.read(each), usual.of(each.target, name)
            if value is not None and middle is not None and beyond(value, middle, measure.floor) is not None:
                yield Difference(each.target, measure.what, measure.write(value), measure.write(middle), "usually")


def _probe_differences(targets: Sequence[Facts]) -> Iterable[Difference]:
    """Name targets whose users get other answers than those of most targets."""
    answers = {each.target: _answers(each) for each in targets if each.probe is not None and each.probe.requests}
    yield from _unlike("answers to users", answers)


def _answers(facts: Facts) -> str:
    statuses = facts.probe.statuses if facts.probe else ()
    return statuses[0][0] if len(statuses) == 1 else ", ".join(f"{count} x {status}" for status, count in statuses)


def _build_differences(targets: Sequence[Facts]) -> Iterable[Difference]:
    """Name targets that run another program, by build id: it is there for remote targets too."""
    names = {each.build.id or each.build.revision: str(each.build) for each in targets}
    builds = {
        each.target: each.build.id or each.build.revision for each in targets if each.build.id or each.build.revision
    }
    for each in _unlike("build", builds):
        others = ", ".join(dict.fromkeys(names[build] for target, build in builds.items() if build != each.value))
        yield Difference(each.target, each.what, names[each.value], others)


def _unlike(what: str, values: Mapping[str, str]) -> Iterable[Difference]:
    """Name those whose value is not the most common one; with a tie, the later value is the odd one."""
    if len(set(values.values())) < 2:  # noqa: PLR2004 - all alike
        return
    common = Counter(values[target] for target in sorted(values)).most_common(1)[0][0]
    for target, value in values.items():
        if value != common:
            yield Difference(target, what, value, common)


def _statement(targets: Sequence[Facts], findings: Sequence[Finding], differences: Sequence[Difference]) -> str:
    if not targets:
        return "There is no target to examine."
    unread = [each for each in targets if each.goroutines is None]
    silence = f" {explain(unread)}" if unread else ""
    if findings:
        return f"{findings[0].target}: {findings[0].claim}{besides(findings)}{silence}"
    if len(unread) == len(targets):
        return f"Nothing can be said.{silence}"
    suffering = [
        f"{each.target} {each.probe.told}"
        for each in targets
        if each.probe is not None and suffers(each.probe) and each not in unread
    ]
    if differences or suffering:
        told = "; ".join(
            [*suffering, *(str(each) for each in differences if each.what != "answers to users" or not suffering)][
                :SHOWN
            ]
        )
        return f"No fault class fits. What differs: {told}.{_unseen(targets)}{silence}"
    alike = f"{_summary([each for each in targets if each not in unread])}.{_unseen(targets)}"
    # A target that says nothing is what stands out.
    return f"{silence[1:]} Nothing else stands out: {alike}" if unread else f"Nothing stands out: {alike}"


def _unseen(targets: Sequence[Facts]) -> str:
    """Say which evidence nobody gave, so that no fault that needs it could be named."""
    lacks = [
        ("a CPU profile", any(each.cpu for each in targets)),
        ("a second reading", any(each.window for each in targets)),
        ("the heap", any(each.heap for each in targets)),
        ("sockets and limits (`firstfive agent` beside it tells them)", any(each.sockets for each in targets)),
        ("answers to users (`url` of a target)", any(each.probe and each.probe.requests for each in targets)),
    ]
    missing = [what for what, known in lacks if not known]
    return f" Not seen: {', '.join(missing)}." if missing else ""


def _summary(targets: Sequence[Facts]) -> str:
    """Say in numbers what is alike."""
    said = [f"{len(targets)} target{'s' if len(targets) > 1 else ''}"]
    counts = [each.goroutines for each in targets if each.goroutines is not None]
    said.append(f"{span(counts, _plain).replace(' to ', '-')} goroutines")
    if heaps := [each.heap.inuse_bytes for each in targets if each.heap is not None]:
        said.append(f"heap {span(heaps, megabytes).replace(' MB to ', '-')}")
    if builds := {str(each.build) for each in targets if each.build.id or each.build.revision}:
        said.append(f"all on build {builds.pop()}" if len(builds) == 1 else f"builds {', '.join(sorted(builds))}")
    probes = [each.probe for each in targets if each.probe is not None and each.probe.p50_ms is not None]
    if probes:
        statuses = "/".join(sorted({status for probe in probes for status, _ in probe.statuses}))
        said.append(f"probes {statuses} in {duration(max(probe.p50_ms or 0.0 for probe in probes))}")
    return ", ".join(said)


def _overview(facts: Facts) -> Overview:
    return Overview(
        target=facts.target,
        goroutines="" if facts.goroutines is None else str(facts.goroutines),
        heap="" if facts.heap is None else megabytes(facts.heap.inuse_bytes),
        build=str(facts.build) if facts.build.id or facts.build.revision else "",
        sockets=_sockets(facts.sockets),
        probe="" if facts.probe is None or not facts.probe.requests else str(facts.probe),
        groups=tuple(map(_headline, facts.groups[:SHOWN])),
        holding=tuple(
            f"{megabytes(each.amount)} by {each.frame}" for each in (facts.heap.holding if facts.heap else ())[:SHOWN]
        ),
        missing=tuple(f"{loss.part}: {loss.reason}" for loss in facts.losses),
    )


def _headline(group: Group) -> str:
    """Name a group by the service's own line, or by where its stack begins."""
    place = own_frame(group.stack) or next(reversed(group.stack), "an unknown place")
    return f"{group.count} {group.state or 'running'} at {place}"


def _sockets(sockets: Sockets | None) -> str:
    return "" if sockets is None else str(sockets)


def healthy(facts: Mapping[str, Facts], diagnosis: Diagnosis) -> tuple[Facts, ...]:
    """Give the targets worth remembering as a baseline: nothing is found and nobody suffers."""
    if diagnosis.findings or any(suffers(each.probe) for each in facts.values()):
        return ()
    return tuple(each for each in facts.values() if each.goroutines is not None)
