"""What a run tells while it works, and figures as people read them."""
