"""Regressions of public repositories, whose maintainers wrote down which commit it was. Nothing of them is kept here.

`BISECT_CLONES` names a folder of clones: `git clone https://github.com/BurntSushi/toml $BISECT_CLONES/toml`.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.adapters.bisect.prober import GitProber
from bot.domain.bisect.question import Find, Kind
from bot.domain.bisect.subject import Overlay, Subject
from tests.bisecting.repositories import go_test
from tests.bisecting.searches import search

CLONES = Path(os.environ.get("BISECT_CLONES", ""))
pytestmark = [pytest.mark.live, pytest.mark.go, pytest.mark.timeout(1_800)]


@dataclass(frozen=True)
class Known:
    """A question whose answer is known."""

    repository: str
    old: str
    new: str
    find: Find
    culprit: str
    test: str


PANICS = "defer func() { if r := recover(); r != nil { t.Fatal(r) } }()\nvar v interface{}\n"
SUBKEY = go_test(f'{PANICS}Decode("a = {{b.a = 1, b = 2, b.c = 3}}", &v)', package="toml")
MUTATED = go_test(
    "v := big.NewInt(-1234567)\nif a, b := BigComma(v), BigComma(v); a != b || v.Sign() >= 0 { t.Fatal(a, b) }",
    ("math/big",),
    package="humanize",
)
PORT = go_test(
    'r := NewRouter()\nr.Host("{foo:[a-z][a-z][a-z]}.{bar:[a-z][a-z][a-z]}").Path("/")\n'
    'q, _ := http.NewRequest("GET", "http://abc.def:65535/", nil)\nvar m RouteMatch\n'
    'if !r.Match(q, &m) || m.Vars["foo"] != "abc" || m.Vars["bar"] != "def" { t.Fatal(m.Vars) }',
    ("net/http",),
    package="mux",
)
ALL = [
    Known("toml", "v1.3.0", "0e879cb^", Find.BREAK, "4223137", SUBKEY),
    Known("toml", "4223137", "v1.5.0", Find.FIX, "0e879cb", SUBKEY),
    Known("go-humanize", "v1.0.0", "402bd47", Find.FIX, "402bd47", MUTATED),
    Known("mux", "ed099d4", "v1.8.1", Find.FIX, "98cb6bf", PORT),
]


@pytest.mark.parametrize("known", ALL, ids=lambda known: f"{known.repository} {known.culprit}")
async def test_the_commit_that_the_maintainers_name_is_named(prober: GitProber, known: Known) -> None:
    place = CLONES / known.repository
    if not CLONES.name or not place.is_dir():
        pytest.skip(f"BISECT_CLONES names no folder with a clone of {known.repository}")
    subject = Subject(test="TestIt", overlay=Overlay("firstfive_it_test.go", known.test.encode()))
    old, new, culprit = [await prober.resolve(place, name) for name in (known.old, known.new, known.culprit)]
    answer = (await search(prober, place, subject, old, new, find=known.find)).answer
    assert (answer.kind, answer.culprit) == (Kind.CULPRIT, culprit)
