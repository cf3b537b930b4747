"""Curated schemas, example configurations and the drawing of the demo's images."""
