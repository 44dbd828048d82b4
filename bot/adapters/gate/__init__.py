"""Signatures of builds, verified: with public keys of our own, and with identities that Sigstore vouches for."""
