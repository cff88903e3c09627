"""The revisions, named `what_happened_NNNN.py`; a released one is never edited."""
