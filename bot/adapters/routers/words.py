"""What a move does, in words."""

from bot.domain.traffic import Split

UNMARKED = "no route of marked requests is configured"


def change(before: Split, after: Split) -> str:
    """Say what becomes different: "give the canary 0 % and keep marked requests from it"."""
    said = [] if after.weight in {None, before.weight} else [f"give the canary {after.weight:g} %"]
    if after.dyed is not None and after.dyed != before.dyed:
        said.append(f"{'let marked requests reach' if after.dyed else 'keep marked requests from'} it")
    return " and ".join(said)


def short(text: str, most: int = 160) -> str:
    """Give a line of what a program said, for a person."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
