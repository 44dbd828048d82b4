"""Go modules made for tests: archives, a module proxy, a checksum database with a real signed tree."""
