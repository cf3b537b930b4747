"""What runs and in what order: configuration, the DAG, the runner, the `easel` command, progress and reports."""
