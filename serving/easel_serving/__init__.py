"""What reads and writes the serving directory: the registry of versions, a local runner and a server.

A distribution of its own: a program that uses the models installs it alone, without TFX or Beam.
"""
