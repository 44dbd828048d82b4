"""The servers of a HAProxy backend: what their weights give the canary, and the commands that change it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.backends import Backend
from bot.domain.run import Missing
from bot.domain.traffic import Split

_HEAVIEST = 256
_WHOLE = 100
_STOPPED = 0


@dataclass(frozen=True)
class Server:
    """A server as `show servers state` has it. `is_out`: somebody took it out; `is_down`: its checks did."""

    weight: int
    initial: int
    is_out: bool = False
    is_down: bool = False


Servers = Mapping[str, Server]


@dataclass(frozen=True)
class Roles:
    """Which servers are which, as `backend/server`; `dyed` is where marked requests are sent, "" if nowhere."""

    canary: str
    baseline: tuple[str, ...]
    dyed: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys(name for name in (self.canary, *self.baseline, self.dyed) if name))


def parse(text: str) -> Servers | None:
    """Read what `show servers state` gives, by `backend/server`; None if this is no such thing."""
    lines = [line.split() for line in text.splitlines() if line.strip() not in {"", "1"}]
    columns = lines[0][1:] if lines else []
    try:
        rows = [dict(zip(columns, cells, strict=False)) for cells in lines[1:]]
        return {f"{row['be_name']}/{row['srv_name']}": _server(row) for row in rows} if "srv_name" in columns else None
    except (KeyError, ValueError):
        return None


def counts(text: str, names: Sequence[str]) -> tuple[Backend, ...]:
    """Read what `show stat` gives of servers by `backend/server`; () if this is no such thing."""
    rows = csv.DictReader(text.removeprefix("# ").splitlines())
    try:
        return tuple(_counted(row) for row in rows if f"{row['pxname']}/{row['svname']}" in names)
    except (KeyError, ValueError, TypeError):
        return ()


def _counted(row: Mapping[str, str]) -> Backend:
    refused, broken, errors = (int(row[key] or 0) for key in ("econ", "eresp", "hrsp_5xx"))
    lost, name = refused + broken + errors, f"{row['pxname']}/{row['svname']}"
    return Backend(name, row.get("addr", ""), row["status"], int(row["stot"] or 0), lost, refused)


def _server(row: Mapping[str, str]) -> Server:
    is_out = int(row["srv_admin_state"]) != 0
    is_down = int(row["srv_op_state"]) == _STOPPED and not is_out
    return Server(int(row["srv_uweight"]), int(row["srv_iweight"]), is_out, is_down)


def split(roles: Roles, servers: Servers) -> Split:
    """Give the share that the weights make; a server that somebody took out counts for nothing."""
    canary = _counts(servers[roles.canary])
    total = canary + sum(_counts(servers[name]) for name in roles.baseline)
    share = round(_WHOLE * canary / total, 2) if total else 0.0
    return Split(weight=share, dyed=not servers[roles.dyed].is_out if roles.dyed else None)


def goal(roles: Roles, servers: Servers, wanted: Split) -> Servers | Missing:
    """Give the servers as they must be for what is wanted; what it does not speak of stays."""
    now, after = split(roles, servers), dict(servers)
    if wanted.weight is not None and not now.meets(Split(weight=wanted.weight)):
        ready = [name for name in roles.baseline if not servers[name].is_out]
        if not ready:
            name = roles.baseline[0]
            return Missing(f"{name} is taken out, so that nobody would answer: `set server {name} state ready` first")
        own = [servers[name].weight for name in ready]
        canary, baseline = weights(wanted.weight, own if any(own) else [servers[name].initial or 1 for name in ready])
        after |= {name: replace(servers[name], weight=weight) for name, weight in zip(ready, baseline, strict=True)}
        is_out = servers[roles.canary].is_out and canary == 0
        after[roles.canary] = replace(servers[roles.canary], weight=canary, is_out=is_out)
    if roles.dyed and wanted.dyed is not None:
        after[roles.dyed] = replace(after[roles.dyed], is_out=not wanted.dyed)
    if roles.dyed == roles.canary and not after[roles.canary].is_out and not (wanted.weight or now.weight):
        after[roles.canary] = replace(after[roles.canary], weight=0)
    if not split(roles, after).meets(Split(weight=wanted.weight)):
        return Missing(
            f"these weights cannot give the canary {wanted.weight:g} %; give marked requests a server of their own"
        )
    return after


def weights(share: float, baseline: Sequence[int]) -> tuple[int, tuple[int, ...]]:
    """Give the weights of canary and baseline for a share in percent; the baseline keeps its own where it can."""
    if share <= 0:
        return 0, tuple(baseline)
    if share >= _WHOLE:
        return _WHOLE, (0,) * len(baseline)
    odds = share / (_WHOLE - share)
    alone = round(odds * sum(baseline))
    if 0 < alone <= _HEAVIEST and Split(_share(alone, sum(baseline))).meets(Split(share)):
        return alone, tuple(baseline)
    count = len(baseline)
    pairs = [(min(max(round(odds * count * each), 1), _HEAVIEST), each) for each in range(1, _HEAVIEST + 1)]
    canary, each = min(pairs, key=lambda pair: abs(_share(pair[0], count * pair[1]) - share))
    return canary, (each,) * count


def reweigh(before: Servers, after: Servers) -> list[str]:
    """Give the commands that make the weights of servers into others: who gets more first, so that somebody answers."""
    changed = [name for name in after if after[name].weight != before[name].weight]
    changed.sort(key=lambda name: before[name].weight - after[name].weight)
    return [f"set server {name} weight {after[name].weight}" for name in changed]


def take(before: Servers, after: Servers) -> list[str]:
    """Give the commands that take servers out, or in again; in again first."""
    changed = [name for name in after if after[name].is_out != before[name].is_out]
    changed.sort(key=lambda name: after[name].is_out)
    return [f"set server {name} state {'maint' if after[name].is_out else 'ready'}" for name in changed]


def _counts(server: Server) -> int:
    return 0 if server.is_out else server.weight


def _share(canary: int, baseline: int) -> float:
    return _WHOLE * canary / (canary + baseline)
