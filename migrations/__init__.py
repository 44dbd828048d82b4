"""The schema, up and down, for SQLite and Postgres."""
