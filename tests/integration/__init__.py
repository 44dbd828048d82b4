"""A contract suite per port: the fake and the real part."""
