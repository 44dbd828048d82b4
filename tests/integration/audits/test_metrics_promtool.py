"""What `promtool check metrics` complains of is told by the audit too; where not, it is listed here, with why."""

import asyncio
import subprocess

import httpx
import pytest

from bot.adapters.targets.exposition import describe
from bot.domain.audits import Audited, judge
from tests.lab import running_lab

PREFIXES = [
    "pico",
    "nano",
    "micro",
    "milli",
    "centi",
    "deci",
    "deca",
    "hecto",
    "kilo",
    "kibi",
    "mega",
    "mibi",
    "giga",
    "gibi",
    "tera",
    "tebi",
    "peta",
    "pebi",
]
BASES = ["amperes", "bytes", "celsius", "grams", "joules", "kelvin", "meters", "metres", "seconds", "volts", "bits"]
WORDS = [
    *[
        "s",
        "ms",
        "us",
        "ns",
        "sec",
        "b",
        "kb",
        "mb",
        "gb",
        "tb",
        "pb",
        "m",
        "h",
        "d",
        "minutes",
        "hours",
        "days",
        "weeks",
        "kelvins",
        "fahrenheit",
        "rankine",
    ],
    *["inches", "yards", "miles", "bits", "calories", "pounds", "ounces"],
    *(prefix + base for prefix in PREFIXES for base in BASES),
]
NAMES = {
    "gauge": [
        *(f"{before}{word}{after}" for word in WORDS for before, after in (("x_", ""), ("y_", "_z"))),
        *[
            "days",
            "go_old_ms",
            "g_total",
            "g_bucket",
            "g_count",
            "g_sum",
            "a:b",
            "camelCase",
            "a_gauge",
            "of_histogram_x",
            "X_MS",
            "x_untyped",
        ],
    ],
    "counter": [
        *(f"{before}{word}{after}" for word in WORDS for before, after in (("", "_q_total"), ("a_", "_total"))),
        *["c", "k_count", "k_sum_total", "k_summary_total"],
    ],
}
LABELLED = """\
# HELP le_gauge A.
# TYPE le_gauge gauge
le_gauge{le="1"} 1
# HELP q_total A.
# TYPE q_total counter
q_total{quantile="0.5"} 1
# HELP written A.
# TYPE written gauge
written{userId="x"} 1
# HELP spread A.
# TYPE spread histogram
spread_bucket{le="+Inf",quantile="2"} 1
spread_sum{quantile="2"} 1
spread_count{quantile="2"} 1
# HELP sum_bucket A.
# TYPE sum_bucket summary
sum_bucket{quantile="0.5"} 1
sum_bucket_sum 1
sum_bucket_count 1
# HELP untyped_ms A.
untyped_ms 1
# TYPE helpless gauge
helpless 1
"""
EXPOSITION = "".join(
    f"# HELP {name} A.\n# TYPE {name} {kind}\n{name} 1\n" for kind, names in NAMES.items() for name in names
)
DIFFERENCES = {
    "days": "one word alone says what is counted, not in which unit it is",
    "go_old_ms": "it is named by a library, and who runs the service cannot name it otherwise",
}


async def complaints(text: str) -> set[str]:
    command = ["promtool", "check", "metrics"]
    checked = await asyncio.to_thread(subprocess.run, command, input=text, capture_output=True, text=True, check=False)
    assert "error while linting" not in checked.stderr
    return {line.split()[0] for line in checked.stderr.splitlines() if line}


def remarked(text: str) -> set[str]:
    return {each.where for each in judge(Audited.METRICS, {"targets": {"checkout-1": describe(text)}})}


async def test_every_complaint_of_promtool_has_a_remark() -> None:
    complained = await complaints(EXPOSITION + LABELLED)
    assert len(complained) > 4 * len(WORDS) - 10
    assert complained >= {"le_gauge", "q_total", "written", "spread", "sum_bucket", "untyped_ms", "helpless"}
    assert complained - remarked(EXPOSITION + LABELLED) == set(DIFFERENCES)


@pytest.mark.go
@pytest.mark.timeout(600)
async def test_both_find_nothing_at_the_lab() -> None:
    with running_lab(targets=1, sick="none") as lab:
        async with httpx.AsyncClient() as client:
            exposed = (await client.get(f"{lab['targets'][0]['pprof']}/metrics")).text
    assert (await complaints(exposed), remarked(exposed)) == (set(), set())
