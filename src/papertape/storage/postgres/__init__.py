"""The other body of the storage port: a schema of a PostgreSQL database, for many machines."""
