"""Tests of the local Slack, part by part."""
