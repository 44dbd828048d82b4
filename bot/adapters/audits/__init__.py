"""What audits look at, one collector a file."""
