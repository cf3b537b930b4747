"""The commands that take photos, and what they share."""
