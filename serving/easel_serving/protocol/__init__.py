"""TensorFlow Serving's formats and errors without TensorFlow."""
