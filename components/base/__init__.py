"""What every component of ours is made of."""
