"""Runs a test at any commit of a repository: read by its objects, built and run apart from everything else."""
