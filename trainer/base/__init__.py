"""What everything here is declared by: errors, options, progress."""
