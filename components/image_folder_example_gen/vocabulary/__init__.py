"""The words of ingest: kinds of files, reasons, features."""
