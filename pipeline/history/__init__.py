"""What a workspace remembers of its runs. ML Metadata and the artifacts are the only memory; this is their reader."""
