"""The configuration: what it takes, and that every fault is one line that names the key."""

import os
import string
import subprocess
import sys

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from components.image_folder_example_gen.ingest.scan import scan
from pipeline.configuration.config import Config, load
from pipeline.configuration.errors import key_paths
from pipeline.configuration.file import ConfigError
from trainer.base.errors import UserError

RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**6),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.binary(max_size=4),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
)


KEYS = [key for key in key_paths(Config) if "thresholds" not in key[:-1]]


def faults(path):
    try:
        load(path)
    except ConfigError as fault:
        return fault.errors
    return ()


def error(path, *overrides):
    with pytest.raises(ConfigError) as caught:
        load(path, overrides)
    assert all(line.isprintable() for line in caught.value.errors)
    return caught.value.errors


def test_paths_are_relative_to_the_file(config_file, folders):
    config = load(config_file)
    assert config.classifier.photos == str(folders / "photos")
    assert config.style.paintings == str(folders / "paintings")
    assert config.workspace == folders / "work"
    assert config.serving == folders / "work" / "serving"


def test_the_default_workspace_is_beside_the_file_like_every_path_in_it(config_file, folders, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"  # as a scheduler's home
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    config_file.write_text(config_file.read_text().replace("workspace: work\n", ""))
    config = load(config_file)
    assert config.workspace == folders / "easel-workspace"
    assert config.serving == folders / "easel-workspace" / "serving"


def test_a_path_that_is_not_utf8_is_one_true_line(folders, config_file):
    odd = folders / os.fsdecode(b"caf\xe9")
    odd.mkdir()
    config_file.rename(odd / "easel.yaml")
    for name in ("photos", "paintings"):
        (folders / name).rename(odd / name)
    with pytest.raises(ConfigError) as told:
        load(odd / "easel.yaml")
    assert len(told.value.errors) == 1
    assert told.value.errors[0].endswith(
        rf"workspace: the path is not UTF-8: {folders}/caf\xe9/work; rename the folder"
    )


def test_a_workspace_that_workers_elsewhere_would_take_for_a_pattern_is_told(config_file):
    beam = ["beam.runner=flink", "workspace=proj [2024]"]
    assert load(config_file, [*beam, "beam.address=localhost:8081"])
    with pytest.raises(ConfigError, match=r"workspace: workers on other machines take .* for a pattern"):
        load(config_file, [*beam, "beam.address=cluster:8081"])


def test_a_folder_whose_name_looks_like_spans_is_a_folder(config_file, folders, monkeypatch):
    monkeypatch.chdir(folders)
    (folders / "photos").rename(folders / "span-{SPAN} [1]*?")
    override = "span-{SPAN} [1]*?"
    config = load(config_file, [f"classifier.photos='{override}'", f"style.photos='{override}'"])
    assert config.classifier.photos == str(folders / override)
    assert scan(config.classifier.photos, config.ingest).classes == {"cat": 12, "dog": 12}


def test_paths_of_overrides_are_relative_to_the_current_folder(config_file, folders, monkeypatch):
    monkeypatch.chdir(folders / "photos")
    config = load(config_file, ["style.photos=cat", "workspace=../w"])
    assert config.style.photos == str(folders / "photos" / "cat")
    assert config.serving == folders / "w" / "serving"


def test_overrides_win_and_are_typed_by_yaml(config_file):
    config = load(
        config_file, ["seed=7", "beam_args=[--a=1, --b]", "classifier.train.dropout=1e-1", "name=a=b".replace("=b", "")]
    )
    assert (config.seed, config.beam_args, config.classifier.train.dropout, config.name) == (
        7,
        ("--a=1", "--b"),
        0.1,
        "a",
    )


def test_a_lane_may_be_switched_off(config_file):
    assert load(config_file, ["style=null"]).style is None
    assert load(config_file).only("style").classifier is None
    with pytest.raises(UserError, match="--only style"):
        load(config_file, ["style=null"]).only("style")


def test_variables_are_expanded(config_file, folders, monkeypatch):
    monkeypatch.setenv("PICTURES", str(folders))
    monkeypatch.setenv("SEED", "41")
    config = load(config_file, ["classifier.photos=${PICTURES}/photos", "seed=${SEED}"])
    assert config.classifier.photos == str(folders / "photos")
    assert config.seed == 41


def test_an_unset_variable_names_the_key_and_the_line(config_file, monkeypatch):
    monkeypatch.delenv("NOWHERE", raising=False)
    config_file.write_text("seed: 1\nclassifier:\n  photos: ${NOWHERE}/x\n")
    [line] = error(config_file)
    assert line == f"{config_file}:3: classifier.photos: the environment variable NOWHERE is not set"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seeed=1", "seeed: unknown key; did you mean seed?"),
        ("classifier.backbone.wieghts=none", "classifier.backbone.wieghts: unknown key; did you mean weights?"),
        ("steps=4", "steps: unknown key here; did you mean style.train.steps?"),
        ("seed=abc", "seed: should be a whole number"),
        ("seed=-1", "seed: should be greater than or equal to 0, not -1"),
        ("seed=null", "seed: should be a whole number, not null"),
        ("classifier=5", "classifier: should be a section with keys of its own, not 5"),
        ("beam_args=--x", "beam_args: should be a list, not '--x'"),
        ("beam.runner=flnk", "beam.runner: should be 'direct', 'flink', 'spark' or 'dataflow', not 'flnk'; did you"),
        ("beam.address=host:8081", "beam: address: the runner direct has none"),
        ("beam.workers=0", "beam.workers: should be greater than or equal to 1"),
        ("beam={runner: spark, address: 'host:7077'}", "beam: address: the runner spark needs spark://HOST:PORT"),
        ("beam={runner: flink, address: host}", "beam.address: should match"),
        ("beam={runner: flink, address: 'http://host:8081'}", "beam: address: Flink's is HOST:PORT"),
        ("beam={worker: /opt/worker}", "beam: worker: the runner direct has none"),
        ("name=1a", "name: '1a' cannot name a model"),
        ("serving_base_path=models", "serving_base_path: should match"),
        ("promotion=later", "promotion: should be"),
        ("serving_address=tfs", "serving_address: should match"),
        ("signing_key=key.pem", "signing_key: no such file: "),
        ("serving_tls.ca=easel.yaml", "serving_tls is for TLS: give serving_address as grpcs://HOST:PORT"),
        ("serving_tls.cert=easel.yaml", "serving_tls: cert and key are needed together"),
        ("classifier.photos=nowhere", "classifier.photos: no such folder: "),
        ("classifier.photos=easel.yaml", "classifier.photos: is not a folder: "),
        ("classifier.schema=mine.pbtxt", "classifier.schema: no such file: "),
        ("style.perceptual.weights=v.h5", "style.perceptual.weights: no such file: "),
        ("style.encoder.weights=light", "style.encoder.weights: no such file: "),
        ("classifier.thresholds.acuracy.at_least=1", "the name should be 'accuracy'"),
        (
            "classifier.thresholds.ece.at_mots=1",
            "classifier.thresholds.ece.at_mots: unknown key; did you mean at_most?",
        ),
        ("classifier.thresholds.macro_f1=null", "classifier.thresholds.macro_f1: should be a section"),
        (
            "classifier.thresholds.macro_f1.beats_trivial_by=0.1",
            "macro_f1 is no mean over examples, so nothing tells its differences from luck: "
            "give beats_trivial_by to accuracy",
        ),
        ("classifier.thresholds.ece.beats_trivial_times=2", "ece is no mean over examples"),
        ("classifier.thresholds.ece.max_probable_loss_to_champion=1", "ece is no mean over examples"),
        ("classifier.thresholds.accuracy.at_least=95", "accuracy.at_least is 95, but accuracy lies between 0 and 1"),
        ("style.thresholds.ssim.every_slice_at_most=-2", "ssim.every_slice_at_most is -2, but ssim lies between -1"),
        ("classifier.thresholds.accuracy.max_loss_to_champion=2", "no two models differ by more than 1; null asks"),
        ("classifier.thresholds.accuracy.max_loss_to_champion=.inf", "max_loss_to_champion: should be a finite number"),
        ("classifier.thresholds.accuracy.at_least=true", "accuracy.at_least: should be a number, not true"),
        ("classifier.train.batch_size=true", "classifier.train.batch_size: should be a number, not true"),
        ("style.thresholds.style_distance.at_most=.nan", "style_distance.at_most: should be a finite number"),
        ("ingest.background=[true, 0, 0]", "ingest.background: should be a number, not [True, 0, 0]"),
        ("style.thresholds.style_distance.beats_trivial_times=0", "beats_trivial_times: should be greater than 0"),
        ("style.thresholds.style_distance.beats_trivial_times=.inf", "beats_trivial_times: should be a finite number"),
        ("style.thresholds.style_distance.beats_trivial_times=0.5", "beats_trivial_times is 0.5: worse than a trivial"),
        ("style.thresholds.ssim.beats_trivial_times=2", "ssim may be negative, so no value is so many times as good"),
        ("style.thresholds.forgetting.max_loss_to_champion=0.1", "forgetting is measured of the candidate as a whole"),
        ("classifier.tflite.variants=[int9]", "classifier.tflite.variants.0: should be"),
        (
            "workspace='gs://bucket/w'",
            "workspace: must be a folder of this machine, or mounted here, not gs://bucket/w",
        ),
        ("serving='s3://bucket/s'", "serving: must be a folder of this machine"),
        ("workspace=photos/w", "workspace: lies inside classifier.photos"),
        ("serving=paintings/s", "serving: lies inside style.paintings"),
        ("style.paintings=photos", "style.photos and style.paintings are the same folder"),
        ("style.train.crop=400", "style.train.crop (400) is larger than style.image.train_side (384)"),
        (
            "style={photos: photos, paintings: paintings, network: {channels: 8}, train: {start: shipped}}",
            "style.train.start is shipped, and the network that ships with Easel is another than style.network",
        ),
        ("style.train.start=shiped", "style.train.start: should be 'auto', 'champion', 'shipped' or 'scratch'"),
        (
            "style.train={start: auto, warm_start: true}",
            "style.train: warm_start is the old name of start, which is given, too: leave warm_start out",
        ),
        ("style.train.warm_start=1", "style.train.warm_start: unknown key"),
        ("style.thresholds.forgetting.beats_trivial_by=1", "forgetting is no mean over examples"),
        ("style.name=classifier", "classifier.name and style.name are both 'classifier'"),
        ("seed", "write key.path=value"),
        ("=1", "write key.path=value"),
        ("name.x.y=1", "name: should be text"),
        ("workspace.x=1", "workspace is not a section"),
        ("seed=[", "not valid YAML"),
    ],
)
def test_a_fault_names_its_key(config_file, folders, monkeypatch, override, expected):
    monkeypatch.chdir(folders)
    line = error(config_file, override)[0]
    assert expected in line
    assert f"--set {override}" in line or str(config_file) in line


def test_the_example_in_the_line_on_a_malformed_override_is_a_key_that_is_known(config_file):
    example = error(config_file, "seed")[0].partition("such as ")[2]
    assert load(config_file, [example])


@pytest.mark.parametrize(("value", "start"), [("true", "champion"), ("false", "scratch")])
def test_the_old_name_of_start_is_read_and_the_new_one_told(config_file, caplog, value, start):
    config = load(config_file, [f"style.train.warm_start={value}"])
    assert config.style.train.start == start
    [record] = caplog.records
    key = "style.train.warm_start"
    assert record.message == f"--set {key}={value}: {key}: is now called start: write `start: {start}` instead"
    assert "warm_start" not in str(config.described()["style"])


def test_steps_and_rate_that_are_left_out_follow_from_the_start(config_file):
    train = load(config_file, ["style.train.reproduction_steps=150"]).style.train
    cold, warm = (train.settled(warm=warm) for warm in (False, True))
    assert (cold.steps, cold.learning_rate, cold.reproduction_steps) == (2500, 1e-3, 150)
    assert (warm.steps, warm.learning_rate, warm.reproduction_steps) == (500, 5e-4, 0)
    given = load(config_file, ["style.train.steps=7", "style.train.learning_rate=0.1"]).style.train
    assert [given.settled(warm=warm).steps for warm in (False, True)] == [7, 7]
    assert given.settled(warm=True).learning_rate == 0.1


def test_all_faults_are_listed_in_the_order_of_the_file(config_file):
    config_file.write_text("seed: x\nnmae: y\nclassifier: {photos: photos, backbone: {weights: no}}\n")
    assert [line.split(": ")[1] for line in error(config_file)] == ["seed", "nmae", "classifier.backbone.weights"]
    with pytest.raises(ConfigError, match="and 2 more"):
        load(config_file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("- a\n", "is not a mapping"),
        ("seed: 1\nseed: 2\n", ":2: seed: is written twice"),
        ("classifier: {photos: a,\n  photos: b}\n", ":2: classifier.photos: is written twice"),
        ("a: [1\nb: 2\n", ":2: not valid YAML"),
        ("a: &x [*x]\n", "unknown key"),
        ("? [a]\n: 3\n", "not valid YAML"),
        ("a: \x01\n", "not valid YAML"),
        ("seed: !!python/object:os.system {}\n", "not valid YAML"),
        ("seed: 1\n", "trains nothing"),
        ("1: 2\n", "Keys should be strings"),
        ('"a\\nb": 2\n', r"a\nb: unknown key"),
        ("a: " + "[" * 500, "not valid YAML"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path, text, expected):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    assert expected in error(path)[0]


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    assert "cannot be read" in error(tmp_path / "none.yaml")[0]
    assert "is a folder" in error(tmp_path)[0]
    (tmp_path / "latin.yaml").write_bytes(b"name: \xff")
    assert "UTF-8" in error(tmp_path / "latin.yaml")[0]


def thresholds(lane):
    return {name: rule.model_dump(exclude_none=True) for name, rule in lane.thresholds.items()}


def test_thresholds_are_laid_over_the_defaults_rule_by_rule(config_file):
    default = load(config_file)
    changed = load(
        config_file, ["classifier.thresholds={accuracy: {at_least: 0.3}, ece: {at_most: 0.1}}", "style.thresholds={}"]
    )
    expected = thresholds(default.classifier)
    assert expected["accuracy"].keys() >= {"beats_trivial_by", "max_loss_to_champion", "max_probable_loss_to_champion"}
    expected["accuracy"]["at_least"] = 0.3
    expected["ece"] = {"at_most": 0.1}
    assert thresholds(changed.classifier) == expected
    assert thresholds(changed.style) == thresholds(default.style)
    assert changed.classifier.guards_off == changed.style.guards_off == []


def test_a_guard_goes_by_an_explicit_null_and_is_known_to_be_off(config_file):
    lane = load(config_file, ["classifier.thresholds.accuracy={beats_trivial_by: null, at_most: null}"]).classifier
    assert lane.thresholds["accuracy"].beats_trivial_by is None
    assert lane.thresholds["accuracy"].max_loss_to_champion == 0.02
    assert lane.guards_off == ["accuracy.beats_trivial_by"]


def test_what_is_shown_loads_to_the_same(config_file, tmp_path):
    null = "classifier.thresholds.accuracy.max_loss_to_champion=null"
    config = load(config_file, ["seed=3", "classifier.thresholds.ece.at_most=.1", null])
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(config.model_dump(mode="json", by_alias=True)))
    assert load(again) == config


@RELAXED
@given(key=st.sampled_from(KEYS), value=VALUES)
def test_any_value_under_any_key_is_taken_or_explained(config_file, key, value):
    document = yaml.safe_load(config_file.read_text())
    section = document
    for part in key[:-1]:
        section = section.setdefault(part, {})
    section[key[-1]] = value
    path = config_file.with_name("mutated.yaml")
    path.write_text(yaml.safe_dump(document))
    assert all(line.isprintable() and str(path) in line for line in faults(path))


@RELAXED
@given(key=st.sampled_from(KEYS), letter=st.sampled_from(string.ascii_lowercase), data=st.data())
def test_a_slip_of_the_finger_is_offered_the_key(config_file, key, letter, data):
    at = data.draw(st.integers(0, len(key[-1]) - 1))
    slip = key[-1][:at] + letter + key[-1][at:]
    assume(len(key[-1]) > 3)
    assume(not any(known[-1] == slip for known in KEYS))
    path = (*key[:-1], slip)
    [line] = [line for line in error(config_file, f"{'.'.join(path)}=1") if "unknown key" in line]
    assert ".".join(path) in line
    assert "did you mean" in line


@given(text=st.text(max_size=200))
@RELAXED
def test_any_text_is_taken_or_explained(config_file, text):
    path = config_file.with_name("text.yaml")
    path.write_text(text, "utf-8", "surrogatepass")
    error(path)


def test_loading_is_light(config_file):
    code = (
        "import sys; from pipeline.configuration.config import load; load(sys.argv[1]);"
        "print([m for m in ('tensorflow', 'tfx', 'apache_beam', 'keras') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(config_file)], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"


def test_every_key_of_the_contract_exists():
    contract = """workspace serving seed classifier.photos classifier.backbone.name classifier.backbone.weights
        style.photos style.paintings style.perceptual.weights style.encoder.weights style.train.steps beam_args"""
    schema = Config.model_json_schema()
    for key in contract.split():
        section = schema
        for part in key.split("."):
            reference = section.get("$ref") or next(
                (one["$ref"] for one in section.get("anyOf", []) if "$ref" in one), None
            )
            section = schema["$defs"][reference.rpartition("/")[2]] if reference else section
            assert part in section["properties"], key
            section = section["properties"][part]


def test_every_option_is_documented():
    undocumented = [
        f"{name}.{key}"
        for name, section in Config.model_json_schema()["$defs"].items()
        for key, field in section.get("properties", {}).items()
        if not field.get("description") and "$ref" not in field  # a section has its class's docstring
    ]
    assert undocumented == []
