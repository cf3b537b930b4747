"""Backbones, and networks as TensorFlow Serving loads them."""
