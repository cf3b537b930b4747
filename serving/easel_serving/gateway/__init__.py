"""The web page in front of another server."""
