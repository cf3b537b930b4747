"""From an example to what training draws from."""
