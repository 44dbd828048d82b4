"""Stores of log lines, as their published APIs describe them: small servers that are met over a real socket."""
