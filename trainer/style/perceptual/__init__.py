"""VGG19's features, and the distances between them."""
