"""The models as their TFLite variants run them: Pillow for files, LiteRT for networks, no TensorFlow."""
