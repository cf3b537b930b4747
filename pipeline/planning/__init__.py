"""What is asked before a run: whether what it needs can be had, and what a new folder's configuration should say."""
