"""Which commit broke a test: what a run of it told, the commits in question, and which to run next. Pure."""
