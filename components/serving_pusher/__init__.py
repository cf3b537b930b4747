"""From an approved model to a version in the serving directory, with everything that it takes to trust it."""
