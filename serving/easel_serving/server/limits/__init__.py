"""What requests may cost, and how they share the work."""
