"""The style network as it is served: SavedModel and TFLite."""
