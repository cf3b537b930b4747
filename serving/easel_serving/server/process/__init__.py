"""The server as a process: its parts put together, started and stopped."""
