"""What a playbook adds to a panic at an index: whether its line hands something to C, by the source that ran."""

from collections.abc import Mapping
from dataclasses import replace
from posixpath import basename

from bot.domain.facts import Facts
from bot.domain.panics import Panic, is_handed_to_c
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.engine.tools import Tools


async def with_c_calls(tools: Tools, service: Service, facts: Mapping[str, Facts]) -> dict[str, Facts]:
    """Add it to every target whose log ends with such a panic; the source is asked for no other."""
    return {name: await _with_c_call(tools, service, each) for name, each in facts.items()}


async def _with_c_call(tools: Tools, service: Service, facts: Facts) -> Facts:
    log, revision = facts.log, _revision(facts)
    if log is None or log.panic is None or not log.panic.is_empty or not (service.repository and revision):
        return facts
    path, _, line = log.panic.place.rpartition(":")
    files = await tools.ports.repository.files(service.repository, revision, {basename(path)})
    if isinstance(files, Missing):
        return facts
    source = files.get(_longest(path, files), b"")
    panic: Panic = replace(log.panic, in_c_call=line.isdecimal() and is_handed_to_c(source, int(line)))
    return replace(facts, log=replace(log, panic=panic))


def _revision(facts: Facts) -> str:
    """Give the commit that runs, or that of the program that starts next: the one that ran has ended."""
    file = facts.binary.file if facts.binary else None
    return facts.build.revision or (file.setting("vcs.revision") if file else "")


def _longest(path: str, files: Mapping[str, bytes]) -> str:
    """Give which file a place is in: it has the folder of the build, or the module's path, in front."""
    return max((each for each in files if f"/{path}".endswith(f"/{each}")), key=len, default="")
