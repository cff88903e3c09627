"""The typed facade over the compiled engine: its only importer."""
