"""Real routers on loopback, each before a baseline and a canary: for tests that need traffic to be shared for real."""
