"""A local Slack: Web API, signed deliveries, Socket Mode and a browser page, all in one process on loopback."""
