"""FirstFive: the first five minutes of an incident on a Go service, and the paper trail after it."""
