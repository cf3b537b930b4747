"""StyleTrainer: a training that reads photos and paintings."""
