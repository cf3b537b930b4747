"""Models computed in this process: SavedModels and TFLite files."""
