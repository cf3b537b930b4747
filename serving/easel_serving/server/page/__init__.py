"""The web page and the calls that it makes."""
