"""What TFX's Transform, Trainer and Evaluator call: preprocessing, networks, losses, signatures and metrics."""
