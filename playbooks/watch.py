"""Watch over a service's canary for a minute; tell where people are that it is bad, or who has undone a rollback."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.engine import (
    Judgement,
    Kept,
    Lookout,
    Missing,
    Params,
    Playbook,
    Service,
    ServiceName,
    Tools,
    breach_key,
    keep_watch,
    kept_watch,
    last_change,
    watch_key,
)

_MINUTE = timedelta(minutes=1)
_NOW_AND_THEN = timedelta(seconds=5)
_KEPT_EVERY = timedelta(seconds=10)
_TOLD = "told:"
_TOLD_AGAIN = timedelta(minutes=30)


class Watch(Params):
    """Over which service's canary."""

    service: ServiceName


@dataclass(frozen=True)
class Watched:
    """What the canary was judged last, and what was told: "bad", "drift" or nothing."""

    summary: str
    told: str = ""


playbook = Playbook("watch", "Watch over a service's canary for a minute.", Watch, quiet=True)


@playbook.step("Watch")
async def watch(tools: Tools, params: Watch) -> Watched:
    """Look every second while the canary has requests, until the minute is over; tell at once what there is to tell."""
    service, until = tools.service(params.service), _minute_after(tools.run_row.started_at or tools.now())
    if service.canary is None or service.route is None:
        return Watched(f"{service.name} has no canary and no router to be watched.")
    is_over = tools.now() >= until  # taken over too late to go on
    if not is_over and not await _is_ours(tools, service, until):
        return Watched("Another run watches it.")
    lookout = Lookout(tools, service.canary, service, await kept_watch(tools, service))
    while what := await _watch(tools, service, lookout, until):
        await _tell(tools, service, lookout, what)
    if not is_over:
        await keep_watch(tools, service, lookout.kept)
    return Watched(lookout.kept.judged.words, ", ".join(_told(tools)))


async def _tell(tools: Tools, service: Service, lookout: Lookout, what: str) -> None:
    """Let it be told, once, whoever is killed meanwhile; a canary that is held may yet turn out to be worse."""
    number = len(_told(tools))
    tools.begin("breach", {"service": service.name, "drift": what == "drift"}, f"breach{number or ''}")
    if what == "bad":
        decided = lookout.kept.judged.judgement.value
        lookout.kept = replace(lookout.kept, decided=decided, decided_at=tools.now())
        tools.keep(breach_key(service.name), Kept, lookout.kept)
    tools.keep(watch_key(service.name), Kept, lookout.kept)
    await tools.commit(f"{_TOLD}{number}:{what}", "true", *tools.take_pending())


def _told(tools: Tools) -> list[str]:
    return [key.rpartition(":")[2] for key in tools.memos if key.startswith(_TOLD)]


async def _watch(tools: Tools, service: Service, lookout: Lookout, until: datetime) -> str:
    """Give what is to be told, "" when the time is over."""
    has_requests, held_since = True, None
    next_at = kept_at = tools.now()
    while tools.now() < until:
        if tools.now() >= next_at:
            next_at = tools.now() + _NOW_AND_THEN
            split = await tools.ports.router.read(service)
            last = await last_change(tools, service)
            has_drifted = last is not None and not isinstance(split, Missing) and last.drifts(split)
            if has_drifted and "drift" not in _told(tools):
                return "drift"
            # Marked requests alone harm nobody; what is not known may.
            has_requests = isinstance(split, Missing) or split.weight != 0
        if has_requests and tools.now() >= kept_at + _KEPT_EVERY:
            kept_at = tools.now()
            await keep_watch(tools, service, lookout.kept)
        if has_requests:
            judged = await lookout.look()
            held_since = (held_since or tools.now()) if judged.judgement is Judgement.HOLD else None
            if judged.judgement is Judgement.PROMOTE:
                lookout.kept = _over(lookout.kept)
            # What is not clear yet mostly is a moment later, and worse.
            is_sure = held_since is None or tools.now() - held_since >= _NOW_AND_THEN
            if is_sure and _is_news(lookout.kept, tools.now()):
                return "bad"
        else:
            lookout.kept = _over(lookout.kept)
            await tools.pause(_NOW_AND_THEN.total_seconds())
    return ""


def _over(kept: Kept) -> Kept:
    """Let what was told be over, so that it is told anew when it comes back."""
    return replace(kept, decided="", decided_at=None)


def _is_news(kept: Kept, now: datetime) -> bool:
    """Tell whether a judgement is bad and worse than what was told last, or that so long ago that it is told again."""
    judgement = kept.judged.judgement
    is_old = kept.decided_at is None or now - kept.decided_at >= _TOLD_AGAIN
    return judgement.is_bad and (is_old or judgement.rank > Judgement(kept.decided).rank)


async def _is_ours(tools: Tools, service: Service, until: datetime) -> bool:
    """Wait until nobody else watches the service; tell whether there is time left then."""
    while (left_s := (until - tools.now()).total_seconds()) > 0:
        if await tools.hold(f"watch:{service.name}", left_s) == tools.run_id:
            return True
        await tools.pause(1.0)
    return False


def _minute_after(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0) + _MINUTE
