"""Models in this process: SavedModels and TFLite files."""
