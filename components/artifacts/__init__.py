"""Our artifact types, and reading what TFX's components wrote."""
