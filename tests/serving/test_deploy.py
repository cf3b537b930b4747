"""The deployment files agree with what the registry writes; no Docker is at hand to run them."""

import configparser
from pathlib import Path

import pytest
from easel_serving import config_files
from easel_serving.registry import BASE_PATH

yaml = pytest.importorskip("yaml")

DEPLOY = Path(__file__).resolve().parents[2] / "serving/deploy"


def test_compose_reads_the_files_that_the_registry_writes():
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["tensorflow-serving"]
    flags = dict(flag.lstrip("-").split("=", 1) for flag in service["command"])
    assert flags["model_config_file"] == f"{BASE_PATH}/{config_files.MODELS}"
    assert flags["monitoring_config_file"] == f"{BASE_PATH}/{config_files.MONITORING}"
    assert flags["batching_parameters_file"] == f"{BASE_PATH}/{config_files.BATCHING}"
    assert flags["allow_version_labels_for_unavailable_models"] == "true"
    assert service["volumes"][0].endswith(f":{BASE_PATH}:ro")


def test_prometheus_scrapes_the_configured_path():
    [job] = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())["scrape_configs"]
    assert job["metrics_path"] == config_files.METRICS_PATH


def test_the_unit_starts_a_module_that_is_there():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "easel-serve.service")
    module = unit["Service"]["ExecStart"].split()[2].replace(".", "/")
    assert (DEPLOY.parent / module / "__main__.py").exists()
