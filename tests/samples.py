"""Groups of tests that start whole processes: each run takes a sample of a group, and in time all of it."""

import pytest

BOTS = pytest.mark.matrix(sample=14, group="bots")
"""A bot, a local Slack, a lab or a database of its own for each test."""

SLACK = pytest.mark.matrix(sample=16, group="local Slack")
"""The local Slack's page, sockets and installation, with Slack's own clients."""

BUILDS = pytest.mark.matrix(sample=10, group="Go builds")
"""Programs are built for each test."""

SCENARIOS = pytest.mark.matrix(sample=5, group="scenarios")
"""Somebody's whole way through the product."""

DEATHS = pytest.mark.matrix(sample=5, group="deaths")
"""Replicas, databases and connections end in the middle of things."""
