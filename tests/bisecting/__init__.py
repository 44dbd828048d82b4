"""Histories of Go programs, made in a moment: some commits broke a test, some do not build."""
