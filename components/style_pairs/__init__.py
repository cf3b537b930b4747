"""StylePairs: the (photo, painting) pairs that a style network is evaluated on."""
