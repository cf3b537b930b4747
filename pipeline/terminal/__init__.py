"""What a person at a terminal sees of a run: progress, the live view, the closing tables; and what is kept quiet."""
