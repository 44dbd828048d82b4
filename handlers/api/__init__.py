"""The API at /api/v1: what the pages show, as JSON, and the commands that one can type."""
