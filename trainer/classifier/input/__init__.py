"""From an example to a batch: preprocessing, reading, augmentation."""
