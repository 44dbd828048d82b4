"""Histories for tests: a line of commits, or any graph of them."""

from collections.abc import Iterable, Mapping, Sequence

from bot.domain.bisect.history import Commit, History, between


def name(number: int) -> str:
    """Name a commit as Git does, in 40 letters."""
    return f"{number:040x}"


def graph(parents: Mapping[int, Sequence[int]]) -> list[Commit]:
    """Give commits by the numbers of their parents."""
    return [Commit(name(number), tuple(map(name, made_from))) for number, made_from in parents.items()]


def listing(commits: Iterable[Commit], old: str, new: str) -> list[Commit]:
    """Give what `git rev-list --parents old...new` lists of a whole repository."""
    known = {commit.id: commit for commit in commits}

    def held(end: str) -> set[str]:
        ahead, seen = [end], set[str]()
        while ahead:
            if (each := ahead.pop()) not in seen:
                seen.add(each)
                ahead += known[each].parents
        return seen

    return [known[each] for each in sorted(held(old) ^ held(new))]


def line(count: int) -> History:
    """Give a history of commits 1 .. count in a line, whose old end is commit 0."""
    commits = graph({number: [number - 1] for number in range(1, count + 1)})
    return between(commits, name(0), name(count))
