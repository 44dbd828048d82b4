"""Adapters: one per port, independent of each other."""
