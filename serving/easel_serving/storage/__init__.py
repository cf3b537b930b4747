"""What the server remembers: one database layer, SQLite in a folder or PostgreSQL by URL (the extra `storage`)."""
