"""Easel's own TFX components: a folder each, `component.py` is the typed spec and `executor.py` the work."""
