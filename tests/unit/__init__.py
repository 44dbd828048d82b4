"""Pure code, fakes only, quick."""
