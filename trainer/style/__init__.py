"""The style network: preprocessing, networks, perceptual losses, training, signatures and evaluation."""
