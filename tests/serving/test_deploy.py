"""The deployment files: against their formats' own schemas and tools, and against what the registry and server do.

No Docker and no cluster is at hand to run them.
"""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from easel_serving.registry import config_files
from easel_serving.registry.registry import Registry
from easel_serving.registry.writer import BASE_PATH

yaml = pytest.importorskip("yaml")

DEPLOY = Path(__file__).resolve().parents[2] / "serving/deploy"


def load(name):
    return yaml.safe_load((DEPLOY / name).read_text())


def flags(arguments):
    return dict(flag.lstrip("-").split("=", 1) for flag in arguments)


@pytest.fixture(scope="module")
def kubernetes():
    """Every object of the Kubernetes manifests, `{(kind, name): object}`."""
    files = load("kubernetes/kustomization.yaml")["resources"]
    assert {*files, "kustomization.yaml"} == {path.name for path in (DEPLOY / "kubernetes").iterdir()}
    objects = [thing for file in files for thing in yaml.safe_load_all((DEPLOY / "kubernetes" / file).read_text())]
    return {(thing["kind"], thing["metadata"]["name"]): thing for thing in objects}


def servers(kubernetes):
    """How TensorFlow Serving is started: `(flags, mount of the serving directory)`, by who starts it."""
    service = load("compose.yaml")["services"]["tensorflow-serving"]
    yield flags(service["command"]), service["volumes"][0].rpartition("}:")[2]
    pod = kubernetes["Deployment", "tensorflow-serving"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    mount = container["volumeMounts"][0]
    yield flags(container["args"]), f"{mount['mountPath']}:{'ro' if mount['readOnly'] else 'rw'}"


def test_tensorflow_serving_reads_the_files_that_the_registry_writes(kubernetes):
    for given, mount in servers(kubernetes):
        assert given["model_config_file"] == f"{BASE_PATH}/{config_files.MODELS}"
        assert given["monitoring_config_file"] == f"{BASE_PATH}/{config_files.MONITORING}"
        assert given["batching_parameters_file"] == f"{BASE_PATH}/{config_files.BATCHING}"
        assert given["allow_version_labels_for_unavailable_models"] == "true"
        assert mount == f"{BASE_PATH}:ro"


def test_tensorflow_servings_own_messages_read_those_files(tmp_path, saved_model):
    text_format = pytest.importorskip("google.protobuf.text_format")
    messages = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    registry = Registry(tmp_path)
    for content in ("one", "two"):
        registry.push("classifier", saved_model(content), {})
    config = text_format.Parse((tmp_path / config_files.MODELS).read_text(), messages.ModelServerConfig())
    [model] = config.model_config_list.config
    assert (model.name, model.base_path) == ("classifier", f"{BASE_PATH}/classifier")
    assert list(model.model_version_policy.specific.versions) == [1, 2]
    assert dict(model.version_labels) == {"stable": 2, "previous": 1}
    # The messages of the other two files are not in tensorflow-serving-api; their fields are these.
    for name, fields in (
        (config_files.MONITORING, {"prometheus_config", "enable", "path"}),
        (
            config_files.BATCHING,
            {"max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads", "value"},
        ),
    ):
        assert set(re.findall(r"\b([a-z_]+)\s*[:{]", (tmp_path / name).read_text())) == fields


def test_prometheus_scrapes_the_servers_that_are_there():
    services = load("compose.yaml")["services"]
    for job in load("prometheus.yaml")["scrape_configs"]:
        assert job["metrics_path"] == config_files.METRICS_PATH
        [target] = job["static_configs"][0]["targets"]
        host, _, port = target.partition(":")
        assert any(published.endswith(f":{port}") for published in services[host]["ports"])


def test_grafana_asks_for_metrics_and_labels_that_the_server_has(tmp_path):
    pytest.importorskip("prometheus_client")
    from easel_serving.orders.queue import Orders
    from easel_serving.server.limits.metrics import Metrics
    from easel_serving.server.process.shop import Figures

    metrics = Metrics()
    metrics.register(Figures(Orders.open(tmp_path)))
    with metrics.request("Predict", "REST", "photos"):
        pass
    page = metrics.page().decode()
    labels = set(re.findall(r'(\w+)="', page))
    dashboard = load("grafana/easel.json")
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(expressions) == 12
    for expression in expressions:
        for name in re.findall(r":tensorflow:[\w:]+", expression):
            assert f"\n{name}{{" in page
        for name in re.findall(r"easel_\w+", expression):
            assert re.search(rf"(?m)^{name}[{{ ]", page)
        assert set(re.findall(r'(\w+)(?:=~|!=|=)"', expression)) - {"job"} <= labels
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            assert set(grouped.split(", ")) <= labels
        assert all(expression.count(left) == expression.count(right) for left, right in ("()", "[]", "{}"))
    source = load("grafana/datasource.yaml")["datasources"][0]
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    mounts = {mount.split(":")[1] for mount in load("compose.yaml")["services"]["grafana"]["volumes"]}
    folder = load("grafana/dashboards.yaml")["providers"][0]["options"]["path"]
    assert f"{folder}/easel.json" in mounts


def test_every_file_that_compose_mounts_or_builds_is_there():
    targets = set(re.findall(r"(?m)^FROM source AS (\w+)$", (DEPLOY / "Dockerfile").read_text()))
    built = set()
    for service in load("compose.yaml")["services"].values():
        for mount in service.get("volumes", []):
            if mount.startswith("./"):
                assert (DEPLOY / mount.split(":")[0]).is_file()
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
            built.add(service["build"]["target"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert ":latest" not in service["image"]
    assert built == targets


def test_images_start_modules_and_install_extras_that_are_there():
    text = (DEPLOY / "Dockerfile").read_text()
    for module in re.findall(r'"-m", "([\w.]+)"', text):
        assert (DEPLOY.parent / module.replace(".", "/") / "__main__.py").is_file()
    known = re.findall(r"(?m)^(\w+) = \[", (DEPLOY.parent / "pyproject.toml").read_text())
    assert set(re.findall(r'"/src\[(\w+)\]"', text)) <= set(known)


def test_compose_is_what_docker_takes():
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and not subprocess.run([*command, "version"], capture_output=True).returncode:
            break
    else:
        pytest.skip("needs docker compose")
    command += ["--file", str(DEPLOY / "compose.yaml"), "config"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"EASEL_SERVING": "/srv", "PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stderr
    assert "/srv:/models:ro" in done.stdout or "source: /srv" in done.stdout
    refused = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert "set it to the serving directory" in refused.stderr


KINDS = {
    "Deployment": "V1Deployment",
    "Service": "V1Service",
    "PersistentVolumeClaim": "V1PersistentVolumeClaim",
    "PodDisruptionBudget": "V1PodDisruptionBudget",
}


def faults(thing, kind, models, where=""):
    """What the Kubernetes API does not know or misses in a manifest, by the classes made from its OpenAPI schema."""
    if match := re.fullmatch(r"list\[(.+)\]", kind):
        if not isinstance(thing, list):
            return [f"{where}: not a list"]
        return [fault for at, item in enumerate(thing) for fault in faults(item, match[1], models, f"{where}[{at}]")]
    if match := re.fullmatch(r"dict\(str, (.+)\)", kind):
        return [fault for key, item in thing.items() for fault in faults(item, match[1], models, f"{where}.{key}")]
    plain = {"str": str, "int": int, "bool": bool, "object": object}
    if kind in plain:
        right = isinstance(thing, plain[kind]) and not (kind == "int" and isinstance(thing, bool))
        return [] if right else [f"{where}: {thing!r} is no {kind}"]
    model = getattr(models, kind)
    names = {json_name: name for name, json_name in model.attribute_map.items()}
    found = [f"{where}.{key}: unknown" for key in thing if key not in names]
    for key, value in thing.items():
        if key in names:
            found += faults(value, model.openapi_types[names[key]], models, f"{where}.{key}")
    try:
        model(**{names[key]: value for key, value in thing.items() if key in names})
    except ValueError as error:
        found.append(f"{where}: {error}")
    return found


def test_kubernetes_knows_every_field(kubernetes):
    models = pytest.importorskip("kubernetes.client.models")
    assert {kind for kind, _ in kubernetes} == set(KINDS)
    for (kind, name), thing in kubernetes.items():
        assert faults(thing, KINDS[kind], models, name) == []


def test_the_check_of_fields_finds_mistakes():
    models = pytest.importorskip("kubernetes.client.models")
    wrong = {
        "spec": {"replicas": "2", "template": {"spec": {"containers": [{"image": "x", "port": 1}]}}, "selector": {}}
    }
    found = "\n".join(faults(wrong, "V1Deployment", models))
    assert ".spec.replicas: '2' is no int" in found
    assert ".spec.template.spec.containers[0].port: unknown" in found
    assert "`name`, must not be `None`" in found


def test_kubernetes_objects_fit_together(kubernetes):
    claims = {name for kind, name in kubernetes if kind == "PersistentVolumeClaim"}
    for (kind, name), thing in kubernetes.items():
        if kind != "Deployment":
            continue
        spec, labels = thing["spec"], thing["spec"]["template"]["metadata"]["labels"]
        pod = spec["template"]["spec"]
        ports = {port["name"] for container in pod["containers"] for port in container.get("ports", [])}
        assert spec["selector"]["matchLabels"].items() <= labels.items()
        assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
        service = kubernetes["Service", name]["spec"]
        assert service["selector"].items() <= labels.items()
        assert {port["targetPort"] for port in service["ports"]} <= ports
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for volume in volumes.values():
            if claim := volume.get("persistentVolumeClaim"):
                assert claim["claimName"] in claims
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)
            assert container["resources"]["limits"]["memory"]
            assert container["securityContext"]["readOnlyRootFilesystem"]
        serving = pod["containers"][0]
        for probe in ("readinessProbe", "livenessProbe"):
            target = serving[probe].get("httpGet") or serving[probe]["tcpSocket"]
            assert target["port"] in ports
        assert "Service" in {kind for kind, other in kubernetes if other == name}
    page = kubernetes["Deployment", "easel-page"]["spec"]["template"]["spec"]["containers"][0]
    address = re.fullmatch(r"http://([\w-]+):(\d+)", page["args"][1])
    assert int(address[2]) in {port["port"] for port in kubernetes["Service", address[1]]["spec"]["ports"]}


def test_kustomize_builds():
    if not shutil.which("kubectl"):
        pytest.skip("needs kubectl")
    done = subprocess.run(["kubectl", "kustomize", str(DEPLOY / "kubernetes")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("app.kubernetes.io/part-of: easel") == 6


def test_the_unit_is_what_systemd_takes(tmp_path):
    text = (DEPLOY / "easel-serve.service").read_text()
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(text)
    module = unit["Service"]["ExecStart"].split()[2].replace(".", "/")
    assert (DEPLOY.parent / module / "__main__.py").exists()
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze")
    # The environment of the unit is not on this machine: another Python stands in for its own.
    (tmp_path / "easel-serve.service").write_text(text.replace("/opt/easel/bin/python", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "easel-serve.service")], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_units_arguments_are_the_servers(tmp_path):
    command = next(
        line for line in (DEPLOY / "easel-serve.service").read_text().splitlines() if line.startswith("ExecStart=")
    ).split()[4:]
    environment = {"PYTHONPATH": str(DEPLOY.parent), "PATH": "/usr/bin:/bin"}
    asked = [sys.executable, "-m", "easel_serving.server", *command, "--help"]
    done = subprocess.run(asked, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    for flag in [word for word in command if word.startswith("--")]:
        assert flag in done.stdout
