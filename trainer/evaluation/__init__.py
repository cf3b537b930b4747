"""Metrics, rules, and how sure a figure is, for both lanes."""
