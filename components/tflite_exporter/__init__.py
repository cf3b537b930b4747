"""TFLiteExporter: the candidate's TFLite variants, each verified against the SavedModel that is pushed."""
