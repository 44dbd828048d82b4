"""What shares requests between baseline and canary: a driver for each kind of router."""
