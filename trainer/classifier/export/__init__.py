"""The classifier as it is served: SavedModel and TFLite."""
