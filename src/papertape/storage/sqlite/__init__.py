"""The default body of the storage port: one SQLite file, no server."""
