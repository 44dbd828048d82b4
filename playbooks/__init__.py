"""One verb per file; the registry finds them."""
