"""Every verb, on fakes."""
