"""Stores of log lines: what speaks Elasticsearch's API, Loki, or none."""
