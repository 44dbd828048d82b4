"""Ratios and bounds, printed by `make bench`."""
