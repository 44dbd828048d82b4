"""Capture the headers of a service's packets for some seconds, when a second person agrees; count what stands out."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.engine import (
    MAX_PACKETS_S,
    Captured,
    CommandRejected,
    Danger,
    Kind,
    Params,
    Playbook,
    Reply,
    RunFailed,
    ServiceName,
    Target,
    Tools,
    closest,
    concern,
    packets_part,
    traffic_of,
)

MOST_TARGETS = 5
"""All of them stand in the one line that the second person reads."""


class Packets(Params):
    """Of which service (the incident's, if left out), of which target (all, if left out), for how many seconds."""

    service: ServiceName = ""
    target: str = ""
    seconds: int = 5


@dataclass(frozen=True)
class Planned:
    """Whose packets, for how long; `summary` is what the second person is shown."""

    targets: tuple[str, ...]
    summary: str


@dataclass(frozen=True)
class Heard:
    """The records of the captures; their bytes are in the artifact store."""

    parts: tuple[Captured, ...]
    summary: str


playbook = Playbook(
    "packets",
    "Capture headers of a service's packets, when a second person agrees.",
    Packets,
    approvals=1,
    freezable=False,
)


@playbook.gate
async def place(tools: Tools, params: Packets) -> None:
    """Refuse what cannot be captured, and find the incident that it belongs to."""
    _targets(params, await _known(tools, params))


@playbook.step("Name the targets")
async def name(tools: Tools, params: Packets) -> Planned:
    """Say exactly what is captured: it is what is approved."""
    targets = _targets(params, await _known(tools, params))
    where = "; ".join(f"{each.name}: port {', '.join(map(str, each.ports))}" for each in targets)
    return Planned(
        tuple(each.name for each in targets),
        f"Headers of packets for {params.seconds} s, nothing of what they carry. {where}.",
    )


@playbook.step("Capture", danger=Danger.INTRUSIVE)
async def capture(tools: Tools, params: Packets, planned: Planned) -> Heard:
    """Capture at all targets at once, and keep what came."""
    targets = [each for each in await _known(tools, params) if each.name in planned.targets]
    parts = await asyncio.gather(
        *(tools.once(each.name, Captured, partial(_capture, tools, each, params.seconds)) for each in targets)
    )
    kept = sum(bool(part.sha256) for part in parts)
    return Heard(tuple(parts), f"{kept} of {len(parts)} captured")


@playbook.step("Say what they tell")
async def say(tools: Tools, params: Packets, heard: Heard) -> Reply:
    """Count what stands out at each target, and put the captures on the timeline."""
    ports = {each.name: frozenset(each.ports) for each in await _known(tools, params)}
    lines = []
    for part in heard.parts:
        content = await tools.ports.artifacts.get(part.sha256) if part.sha256 else None
        if content is None:
            lines.append(part.error or f"{part.target}: its capture is not there any more")
            continue
        words = (await asyncio.to_thread(traffic_of, content, ports.get(part.target, frozenset()))).words
        what = f"{part.target}: {words}" + (f" ({part.error.removeprefix(f'{part.target}: ')})" if part.error else "")
        file = part.file.replace("/", "-")
        tools.record(Kind.ARTIFACT, name=file, sha256=part.sha256, bytes=part.bytes, what=what)
        lines.append(what)
    if not any(part.sha256 for part in heard.parts):
        raise RunFailed(f"No packets were captured. {'; '.join(lines)}.")
    return Reply("\n".join(lines), artifact=next(part.sha256 for part in heard.parts if part.sha256))


async def _capture(tools: Tools, target: Target, seconds: int) -> Captured:
    (captured,) = await tools.ports.targets.capture(target, (packets_part(seconds),))
    if captured.usable:
        await tools.ports.artifacts.put(captured.file, captured.content)
    return captured.without_content()


async def _known(tools: Tools, params: Packets) -> Sequence[Target]:
    service = await concern(tools, params.service, "Packets of {}")
    known = await tools.targets(service)
    if not known.targets:
        raise CommandRejected(f"{service.name} has no targets. {known.mend}")
    return known.targets


def _targets(params: Packets, known: Sequence[Target]) -> Sequence[Target]:
    if not 0 < params.seconds <= MAX_PACKETS_S:
        raise CommandRejected(f"seconds={params.seconds}: choose 1 to {MAX_PACKETS_S}.")
    chosen = [each for each in known if params.target in {"", each.name}]
    if not chosen:
        meant = closest(params.target, tuple(each.name for each in known))
        hint = f" Did you mean `{meant}`?" if meant else ""
        raise CommandRejected(f"{params.service or 'It'} has no target `{params.target[:40]}`.{hint}")
    if len(chosen) > MOST_TARGETS:
        raise CommandRejected(
            f"{params.service or 'It'} has {len(chosen)} targets, and packets are captured at {MOST_TARGETS} at most: "
            f"name one, such as target={chosen[0].name}."
        )
    return chosen
