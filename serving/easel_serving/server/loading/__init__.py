"""Which versions are loaded, and how one answers."""
