"""The search for the commit that broke a test."""
