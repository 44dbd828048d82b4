"""The database: one schema and one code for SQLite and Postgres."""
