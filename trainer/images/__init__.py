"""Images as tensors: decoding, resizing and encoding, in TensorFlow operations only."""
