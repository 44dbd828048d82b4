"""A drill from the command line to the verdict: the lab falls ill, the product finds it, and it is well again."""

import time

import pytest

from tests.grid.services import services
from tests.grid.stand import running

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]
PATIENCE_S = 60


def test_a_drilled_fault_is_found_where_it_is_and_ends() -> None:
    with running(services()["checkout"].program(), 2) as stand:
        told = stand.run("drill", "class=goroutine-leak", "size=large")["result"]["text"]
        again = stand.run("drill", "class=goroutine-leak")["result"]["text"]
        found = stand.run("diagnose")["result"]
        for _ in range(PATIENCE_S):
            if found["verdict"] == "goroutine-leak":
                break
            time.sleep(1)
            found = stand.run("diagnose")["result"]
        ended = stand.run("drill", "off=true")["result"]["text"]

        assert told.startswith("*goroutine-leak* (large) is on, on checkout-2: ")
        assert told.endswith("`firstfive run drill service=sick off=yes` ends it.")
        assert again.startswith("*goroutine-leak* is on already, on checkout-2: ")
        assert (found["verdict"], found["findings"][0]["target"]) == ("goroutine-leak", "checkout-2")
        assert ended == "Ended: goroutine-leak on checkout-2."
        assert not any(each["on"] for each in stand.faults())
