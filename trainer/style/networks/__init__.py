"""The transformer, the style encoder, and their weights."""
