"""Where images come from: folders, spans, buckets, and reading their files."""
