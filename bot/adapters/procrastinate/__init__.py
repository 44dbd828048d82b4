"""The distributed engine: any number of processes execute the runs of one Postgres."""
