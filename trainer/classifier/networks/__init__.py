"""A backbone with a head, fresh or from the version that serves."""
