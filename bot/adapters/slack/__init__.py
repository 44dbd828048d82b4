"""Slack as a projection of the timelines, and as the way to people."""
