"""The serving directory: versions, labels and their history, for one writer at a time."""
