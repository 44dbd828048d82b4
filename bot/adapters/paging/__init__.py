"""Reaches people who are not looking at a chat: PagerDuty, Opsgenie, or whatever takes a webhook."""
