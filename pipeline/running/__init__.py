"""A run from its lock to its result: the pipeline's components one after the other, and what goes with it."""
