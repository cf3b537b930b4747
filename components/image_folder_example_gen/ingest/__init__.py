"""The whole of ingest, with Beam and without."""
