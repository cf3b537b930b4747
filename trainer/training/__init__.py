"""What the trainings of both lanes share."""
