"""Pages as browsers and hostile words meet them."""
