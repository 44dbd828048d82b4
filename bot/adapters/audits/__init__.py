"""What audits look at: source, settings, processes; each gathers evidence that the domain judges."""
