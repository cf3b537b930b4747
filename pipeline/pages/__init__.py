"""What a run leaves to look at: the report, the data page and the contact sheet."""
