"""Every way in: decode, one engine call, encode."""
