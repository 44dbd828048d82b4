"""What a person does in Slack, and what the app and the person get to see of it."""
