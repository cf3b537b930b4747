"""Images as people have them, made ready for a model, and as arrays."""
