"""The lab's commands: `python -m bot.lab prepare | serve | go | envoy`."""

import argparse
import os
import select
import signal
import stat
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import FrameType

from bot.lab import folders, releases, targets, toolchain, wheels
from bot.lab.chain import CHAIN
from bot.lab.errors import LabError
from bot.lab.terminal import answer, progress

LOOK_EVERY_S = 0.25
HIGHEST_RATE = 1000


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; 2 is an invocation that cannot work, with one line that says what to do."""
    parent = os.getppid()
    options = _parse(words)
    try:
        if options.command == "go":
            answer(str(toolchain.find_go()))
        elif options.command == "envoy":
            answer(str(wheels.find_envoy()))
        elif options.command == "prepare":
            progress(f"ready in {releases.prepare(options.state).folder}")
        else:
            _serve(options, parent)
    except LabError as error:
        progress(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("go", help="print the path of the go command, installing Go if needed")
    commands.add_parser("envoy", help="print the path of the envoy command, installing Envoy if needed")
    prepare = commands.add_parser("prepare", help="build the releases of checkout")
    serve = commands.add_parser("serve", help="run the targets under load until standard input ends")
    for command in (prepare, serve):
        command.add_argument("--state", type=Path, default=folders.cache() / "lab", help="folder of the lab")
    serve.add_argument("--targets", type=int, default=3, choices=range(1, 41), metavar="1..40", help="how many")
    serve.add_argument("--sick", help="the target that runs the release with a fault (the last one), or none")
    serve.add_argument("--port-base", type=int, default=6060, help="0 for any free ports")
    serve.add_argument("--rate", type=int, default=20, help="requests a second for each target, or the canary")
    serve.add_argument("--router", action="store_true", help="share the load by Envoy: the sick target is the canary")
    serve.add_argument("--chain", action="store_true", help="let the targets ask pricing, and that a warehouse")
    serve.add_argument("--fault", default="", help="a fault to switch on in the sick target")
    options = parser.parse_args(words)
    options.state = options.state.resolve() if hasattr(options, "state") else None
    if options.command == "serve":
        options.plan = _plan(parser, options)
    return options


def _plan(parser: argparse.ArgumentParser, options: argparse.Namespace) -> targets.Plan:
    names = tuple(f"checkout-{place}" for place in range(1, options.targets + 1))
    options.sick = options.sick or names[-1]
    if options.sick not in (*names, "none"):
        parser.error(f"--sick {options.sick}: choose one of {', '.join(names)}, or none")
    highest = 65_535 - targets.SECURE_ABOVE_ADMIN - options.targets - 1 - (len(CHAIN) if options.chain else 0)
    if not 0 <= options.port_base <= highest:
        parser.error(f"--port-base {options.port_base}: choose 0 for any free ports, or at most {highest}")
    if options.router and options.targets == 1:
        parser.error("--router: a canary and its baseline are at least two --targets")
    if options.fault and options.sick == "none":
        parser.error("--fault: with --sick none there is no target for it")
    if not 1 <= options.rate <= HIGHEST_RATE:
        parser.error(f"--rate {options.rate}: choose 1 to {HIGHEST_RATE} requests a second")
    sick = None if options.sick == "none" else options.sick
    return targets.Plan(names, sick, options.port_base, options.rate, options.fault, chained=options.chain)


def _serve(options: argparse.Namespace, parent: int) -> None:
    built = releases.prepare(options.state)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _end)
    plan = replace(options.plan, envoy=wheels.find_envoy()) if options.router else options.plan
    with ExitStack() as stack:
        running = targets.start(stack, built, plan, options.state / "logs")
        answer(running.answer)
        _watch(running, parent)


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _watch(running: targets.Running, parent: int) -> None:
    """Stay until our parent goes or hangs up; tell of a target that ended."""
    told: set[int] = set()
    listened = [sys.stdin] if _can_hang_up() else []
    while os.getppid() == parent:
        if select.select(listened, [], [], LOOK_EVERY_S)[0] and not os.read(sys.stdin.fileno(), 4096):
            return
        ended = [child for child in list(running.stage.children.values()) if child.process.poll() is not None]
        for child in [child for child in ended if child.process.pid not in told]:
            told.add(child.process.pid)
            progress(f"{child.name} ended with exit code {child.process.returncode}; its log is {child.log}")


def _can_hang_up() -> bool:
    """Tell whether somebody holds the other end of standard input; nobody does of a terminal or the null device."""
    if sys.stdin is None or sys.stdin.closed:
        return False
    mode = os.fstat(sys.stdin.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


if __name__ == "__main__":
    sys.exit(main())
