"""The classifier lane: preprocessing, network, training, signatures, the trivial baseline and its evaluation."""
