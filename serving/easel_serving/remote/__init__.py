"""`python -m easel_serving.remote`: leads a TensorFlow Serving that runs."""
