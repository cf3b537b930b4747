"""The report of a run: one HTML page with the verdict, what it rests on, and how it compares with the runs before."""
