"""Image folders in, `tf.Example` records out: every file is checked and accounted for."""
