"""The network that enlarges pictures: what it is, how it learns, how it becomes a TFLite file."""
