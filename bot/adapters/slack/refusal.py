"""What Slack, or whatever stands before it, said instead of an answer."""

from slack_sdk.errors import SlackApiError


def reason(error: SlackApiError) -> str:
    """Give Slack's word for what went wrong, or the status of an answer that is none of its API's: a proxy's page."""
    told = error.response.data
    code = told.get("error") if isinstance(told, dict) else ""
    return str(code or f"status {error.response.status_code}")
