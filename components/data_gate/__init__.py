"""Stops a lane whose data is not fit to train on, and says which file is to blame and what would help."""
