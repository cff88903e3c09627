"""The history of the schema, one file a revision; shipped, and run when a database is opened."""
