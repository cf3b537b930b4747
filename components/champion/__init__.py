"""The version that serves now, as an input of the pipeline."""
