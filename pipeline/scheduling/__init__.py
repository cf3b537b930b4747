"""Files for those who start runs by the clock: cron, systemd, Airflow, Kubeflow."""
