"""The data page of a run: one HTML file that shows what the folders hold and what is wrong with it."""
