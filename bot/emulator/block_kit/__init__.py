"""What Slack accepts as blocks and views: a table of limits, and rules that name the offending place."""
