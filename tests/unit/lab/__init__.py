"""The lab's own rules, without Go."""
