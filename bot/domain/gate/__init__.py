"""May this build be deployed: what is shown of it, what of that is proven, and what the policy says. Pure."""
