"""The real playbooks on the real engines and databases, in processes that die where they are told to."""
