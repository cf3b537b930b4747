"""The configuration: one YAML file, the sections that it is made of, and what its faults are called."""
