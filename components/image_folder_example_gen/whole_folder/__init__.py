"""What concerns a folder as a whole: copies, splits, and the account of every file."""
