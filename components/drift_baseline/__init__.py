"""The statistics of earlier data that new data are compared with."""
