"""The command: exit codes, what goes to which stream, and that it answers quickly."""

import datetime
import io
import json
import os
import re
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from easel_serving.registry import Registry
from PIL import Image

from pipeline.cli import main
from pipeline.results import ModelResult, RunResult
from pipeline.terminal.progress import Node
from pipeline.unattended import lock
from trainer.errors import UserError


def easel(*arguments, **extra):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], **extra)


@pytest.fixture
def fake_runner(monkeypatch):
    """Puts a function in the place of the real runner, which would import TFX."""

    def install(run):
        module = types.ModuleType("pipeline.runner")
        module.run = run
        monkeypatch.setitem(sys.modules, "pipeline.runner", module)

    return install


def finishing_with(*outcomes):
    def run(config, events, log, decisions):
        print("a flood on standard output")
        events.plan([Node("a", "photos", "read images")])
        events.node_started("a")
        events.node_finished("a", "done")
        models = tuple(ModelResult(f"m{index}", "classifier", outcome) for index, outcome in enumerate(outcomes))
        return RunResult("run-1", models, 3.0, config.serving)

    return run


@pytest.fixture
def serving(tmp_path):
    """A serving directory with two versions of one model."""
    directory = tmp_path / "serving"
    for accuracy in (0.8, 0.9):
        model = tmp_path / "model"
        model.mkdir(exist_ok=True)
        (model / "saved_model.pb").write_bytes(str(accuracy).encode())
        manifest = {
            "created": "2026-01-02T03:04:05+00:00",
            "metrics": {"candidate": {"accuracy": accuracy}, "champion": None, "trivial": {"accuracy": 0.4}},
            "tflite": [{"part": "classifier", "variant": "int8", "bytes": 2_000_000, "verdict": "ok", "metrics": {}}],
        }
        Registry(directory).push("cats", model, manifest)
    return directory


def test_help_answers_within_a_second_and_imports_nothing_heavy():
    code = (
        "import sys, time; start = time.process_time(); from pipeline.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = [m for m in ('tensorflow', 'tfx', 'apache_beam', 'keras', 'numpy', 'pydantic') if m in sys.modules]\n"
        "print(heavy, time.process_time() - start, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy, seconds = done.stderr.rsplit(" ", 1)
    assert heavy == "[]"
    assert float(seconds) < 1
    assert "easel check CONFIG.yaml" in done.stdout


def test_no_arguments_shows_the_help():
    result = easel()
    assert result.exit_code == 0
    assert result.stdout == easel("--help").stdout


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_explains_itself(command):
    result = easel(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout) > 150


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["run"], "Missing argument 'CONFIG'"),
        (["run", "none.yaml"], "none.yaml: cannot be read"),
        (["check", "--bogus", "x"], "No such option '--bogus'"),
        (["models", "show", "cats", "one"], "'one' is not a valid integer"),
        (["models", "show", "cats", "1"], "no model named cats"),
        (["models", "label", "cats", "mine"], "give either a VERSION or --remove"),
        (["config", "show", "none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_wrong_use_is_one_line_and_2(arguments, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = easel(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("easel: ")
    assert result.stderr.count("\n") == 1
    assert expected in result.stderr


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["pushed", "unchanged"], 0),
        (["pushed", "rejected"], 4),
        (["rejected", "stopped"], 3),
        (["stopped", "failed"], 1),
    ],
)
def test_run_exits_by_its_outcomes(config_file, fake_runner, outcomes, code):
    fake_runner(finishing_with(*outcomes))
    assert easel("run", config_file).exit_code == code


def test_run_without_a_terminal_prints_lines_and_the_table(config_file, fake_runner, folders, capfd):
    fake_runner(finishing_with("unchanged"))
    result = easel("run", config_file)
    assert "photos / read images: done" in result.stdout
    assert "m0" in result.stdout
    [log] = (folders / "work" / "logs").iterdir()
    assert f"log: {log}" in result.stdout
    assert log.name in result.stdout.splitlines()[-2]


def test_run_json_is_one_document_and_nothing_else(config_file, fake_runner, folders):
    fake_runner(finishing_with("rejected"))
    result = easel("run", config_file, "--json")
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert document["run_id"] == "run-1"
    assert document["exit_code"] == result.exit_code == 4
    assert document["models"][0]["outcome"] == "rejected"
    assert Path(document["log"]).is_relative_to(folders / "work" / "logs")
    assert document["serving"] == str(folders / "work" / "serving")


def test_run_only_and_set_reach_the_runner(config_file, fake_runner):
    seen = []
    fake_runner(lambda *given: seen.append(given[0]) or finishing_with("pushed")(*given))
    assert easel("run", config_file, "--only", "style", "--set", "seed=9").exit_code == 0
    assert seen[0].classifier is None
    assert seen[0].seed == 9


def test_a_failing_run_is_one_line_and_its_traceback_is_in_the_log(config_file, fake_runner, folders):
    def run(config, events, log, decisions):
        raise RuntimeError("no luck\nmore\nlines")

    fake_runner(run)
    result = easel("run", config_file, "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    [log] = (folders / "work" / "logs").iterdir()
    assert result.stderr == f"easel: RuntimeError: no luck (unexpected; the traceback is in {log})\n"
    assert "Traceback" in log.read_text()


def test_a_users_error_in_a_run_is_2(config_file, fake_runner):
    def run(config, events, log, decisions):
        raise UserError("photos: do this instead")

    fake_runner(run)
    result = easel("run", config_file, "--json")
    assert (result.exit_code, result.stderr) == (2, "easel: photos: do this instead\n")


def test_an_interrupted_run_is_130(config_file, fake_runner):
    def run(config, events, log, decisions):
        raise KeyboardInterrupt

    fake_runner(run)
    result = easel("run", config_file, "--json")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1].startswith("easel: interrupted")


def test_sigterm_ends_a_run_like_ctrl_c_and_leaves_no_lock(config_file, folders):
    code = (
        "import sys, types, time; m = types.ModuleType('pipeline.runner'); sys.modules['pipeline.runner'] = m\n"
        "def run(config, events, log, decisions):\n"
        "    open(config.workspace / 'started', 'w'); time.sleep(60)\n"
        "m.run = run\n"
        "from pipeline.cli import main; main(['run', sys.argv[1], '--json'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(config_file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (folders / "work" / "started").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.terminate()
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (143, "")
    assert err == "easel: interrupted; the next run goes on from here\n"
    with lock.hold(folders / "work") as stale:
        assert stale is None


def test_hooks_hear_of_the_outcome_and_their_failure_is_a_warning(config_file, fake_runner, folders):
    fake_runner(finishing_with("pushed", "rejected"))
    heard = folders / "heard"
    hooks = ["--set", f"on.pushed=cat > {heard}", "--set", "on.rejected=exit 3", "--set", "on.failed=exit 4"]
    result = easel("run", config_file, "--json", *hooks)
    document = json.loads(result.stdout)
    assert (result.exit_code, document["warnings"]) == (
        4, ["on.rejected: the command exited with 3; its output is in the log"],
    )  # fmt: skip
    assert json.loads(heard.read_text()) == {**document, "warnings": []}
    assert "on.rejected: the command exited with 3" in easel("run", config_file, *hooks).stdout


@pytest.mark.parametrize(("error", "code"), [(UserError("photos: do this"), 2), (RuntimeError("no luck"), 1)])
def test_the_hook_for_failures_hears_of_a_run_without_a_result(config_file, fake_runner, folders, error, code):
    def run(config, events, log, decisions):
        raise error

    fake_runner(run)
    heard = folders / "heard"
    assert easel("run", config_file, "--set", f"on.failed=cat > {heard}; exit 1").exit_code == code
    document = json.loads(heard.read_text())
    assert (document["exit_code"], document["models"]) == (code, [])
    assert str(error) in document["error"]


def test_without_room_nothing_is_started(config_file, fake_runner, monkeypatch):
    fake_runner(lambda *given: pytest.fail("was started"))
    monkeypatch.setattr("shutil.disk_usage", lambda path: types.SimpleNamespace(free=1e6))
    result = easel("run", config_file, "--json")
    assert result.exit_code == 2
    assert re.fullmatch(r"easel: .*work: 1 MB are free and the run needs about \d+ MB; .*\n", result.stderr)


def test_without_a_reason_nothing_is_started_and_it_says_so(config_file, fake_runner, folders):
    fake_runner(lambda *given: pytest.fail("was started"))
    for name in ("classifier", "style"):
        model = folders / name
        model.mkdir()
        (model / "saved_model.pb").write_bytes(b"x")
        created = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=3, hours=1)
        Registry(folders / "work" / "serving").push(name, model, {"created": created.isoformat(), "metrics": {}})
    result = easel("run", config_file, "--json", "--set", "when.older_than=4d")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["run_id"]) == (0, "")
    assert [(model["outcome"], model["version"]) for model in document["models"]] == [("skipped", 1), ("skipped", 1)]
    assert "version 1 is 3 days old, not 4 days" in document["models"][0]["reasons"][0]
    assert "not trained: version 1 serves" in easel("run", config_file, "--set", "when.older_than=4d").stdout
    given = []
    fake_runner(lambda *all: given.append(all[-1]) or finishing_with("pushed")(*all))
    assert easel("run", config_file, "--set", "when.older_than=3d").exit_code == 0
    assert given[0]["style"].train is True


def test_a_held_workspace_is_75(config_file, folders):
    code = (
        "import sys, time, pathlib; from pipeline.unattended import lock\n"
        "with lock.hold(pathlib.Path(sys.argv[1])): print(flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(folders / "work")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline()
        result = easel("run", config_file)
    finally:
        holder.kill()
        holder.wait()
    assert result.exit_code == 75
    assert f"process {holder.pid}" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_unforeseen_outside_a_run_leaves_its_traceback_in_a_file(config_file, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("pipeline.check.scan", lambda *_: 1 / 0)
    result = easel("check", config_file)
    assert result.exit_code == 1
    assert result.stderr.startswith("easel: ZeroDivisionError: division by zero (unexpected; the traceback is in ")
    assert "Traceback" in Path(result.stderr.rpartition(" in ")[2].strip().rstrip(")")).read_text()


def test_config_schema_is_json_schema():
    document = json.loads(easel("config", "schema").stdout)
    assert document["$schema"].startswith("https://json-schema.org/")
    assert "classifier" in document["properties"]


def test_config_show_is_the_whole_configuration(config_file, folders):
    document = yaml.safe_load(easel("config", "show", config_file, "--set", "seed=5").stdout)
    assert document["seed"] == 5
    assert document["classifier"]["photos"] == str(folders / "photos")
    assert json.loads(easel("config", "show", config_file, "--set", "seed=5", "--json").stdout) == document


def test_models_lists_what_is_pushed(serving):
    document = json.loads(easel("models", "--serving", serving, "--json").stdout)
    assert [(entry["model"], entry["version"], entry["labels"]) for entry in document] == [
        ("cats", 1, ["previous"]),
        ("cats", 2, ["stable"]),
    ]
    assert set(document[0]) == {"model", "version", "created", "labels", "metrics", "tflite"}
    text = easel("models", env={"EASEL_SERVING": str(serving)}).stdout
    assert "accuracy 0.900 (trivial 0.400)" in text
    assert "classifier int8 2.0 MB" in text


def test_models_of_an_empty_directory(tmp_path):
    assert json.loads(easel("models", "--serving", tmp_path, "--json").stdout) == []
    assert "Nothing is pushed" in easel("models", "--serving", tmp_path).stdout


def test_options_of_models_go_before_the_command_or_after_it(serving):
    before = easel("models", "--serving", serving, "--json", "verify")
    after = easel("models", "verify", "--serving", serving, "--json")
    assert (before.exit_code, after.exit_code) == (0, 0)
    assert before.stdout == after.stdout == "[]\n"


def test_models_can_be_shown_moved_and_checked(serving):
    def models(*arguments):
        result = easel("models", "--serving", serving, *arguments)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    assert "accuracy" in models("show", "cats", "1")
    assert json.loads(models("show", "cats", "1", "--json"))["version"] == 1
    assert json.loads(models("compare", "cats", "1", "2", "--json")) == {"1": {"accuracy": 0.8}, "2": {"accuracy": 0.9}}
    assert "0.800" in models("compare", "cats", "1", "2")
    assert models("rollback", "cats", "--why", "complaints") == "cats: stable is version 1\n"
    assert "stable is version 2" in models("promote", "cats", "2")
    assert "mine is version 1" in models("label", "cats", "mine", "1")
    assert "mine" not in models("label", "cats", "mine", "--remove")
    assert "All files" in models("verify")
    assert "removed nothing" in models("gc", "cats", "--keep", "1")
    assert "version 2" in models("retire", "cats", "1")


def test_every_change_answers_in_json_and_is_logged(serving, tmp_path):
    def models(*arguments):
        return json.loads(easel("models", "--serving", serving, *arguments, "--json").stdout)

    assert models("rollback", "cats", "--why", "complaints") == {"model": "cats", "labels": {"stable": 1}}
    assert models("promote", "cats", "2", "--to", "canary") == {"model": "cats", "labels": {"stable": 1, "canary": 2}}
    assert models("label", "cats", "canary", "--remove")["labels"] == {"stable": 1}
    assert models("retire", "cats", "2", "--why", "no use")["labels"] == {"stable": 1}
    assert models("gc", "cats", "--keep", "1") == {"model": "cats", "removed": []}
    key = tmp_path / "key.pem"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert models("sign", "cats", "1", "--key", key) == {"model": "cats", "version": 1, "signed": True}
    actions = [(record["action"], record["version"], record["why"]) for record in models("log", "cats")]
    assert actions == [
        ("push", 1, ""), ("push", 2, ""), ("rollback", 1, "complaints"), ("promote", 2, ""), ("unlabel", 2, ""),
        ("retire", 2, "no use"), ("sign", 1, ""),
    ]  # fmt: skip
    text = easel("models", "--serving", serving, "log").stdout
    assert "stable 2 > 1" in text
    assert "canary 2 > -" in text


def test_a_server_that_does_not_follow_is_named_and_1(serving, monkeypatch):
    from easel_serving.remote import NotToldError, Remote

    def unreachable(self, root):
        raise NotToldError(f"{self.address}: UNAVAILABLE")

    monkeypatch.setattr(Remote, "announce", unreachable)
    result = easel("models", "--serving", serving, "label", "cats", "canary", "--remove", "--server", "h:1", "--json")
    assert result.exit_code == 2
    monkeypatch.setattr(Remote, "load", lambda *_: None)
    result = easel("models", "--serving", serving, "promote", "cats", "1", "--server", "tfs:8500", "--json")
    assert (result.exit_code, json.loads(result.stdout)["labels"]["stable"]) == (1, 1)
    assert result.stderr == "easel: tfs:8500: UNAVAILABLE\n"
    assert easel("models", "--serving", serving, "reload").exit_code == 2


def test_a_changed_file_is_found(serving):
    (serving / "cats" / "1" / "saved_model.pb").write_bytes(b"other")
    result = easel("models", "--serving", serving, "verify")
    assert result.exit_code == 1
    assert "changed: cats/1/saved_model.pb" in result.stdout


def test_a_run_on_a_terminal_draws_the_tree(config_file):
    """In a real pseudo-terminal, with the real streams."""
    pexpect = pytest.importorskip("pexpect")
    code = (
        "import sys, types, os; m = types.ModuleType('pipeline.runner'); sys.modules['pipeline.runner'] = m\n"
        "from pipeline.terminal.progress import Node; from pipeline.results import *\n"
        "def run(config, events, log, decisions):\n"
        "    os.write(1, b'FLOOD'); os.system('echo FLOOD >&2')\n"
        "    events.plan([Node('a', 'photos', 'read images')]); events.node_started('a')\n"
        "    events.node_finished('a', 'done'); return RunResult('r', (), 1.0, config.serving)\n"
        "m.run = run\n"
        "from pipeline.cli import main; main(['run', sys.argv[1]])"
    )
    terminal = pexpect.spawn(
        sys.executable, ["-c", code, str(config_file)], dimensions=(30, 100), env={**os.environ, "TERM": "xterm"}
    )
    terminal.logfile_read = shown = io.BytesIO()
    terminal.expect(pexpect.EOF, timeout=60)
    terminal.close()
    assert terminal.exitstatus == 0
    assert b"read images" in shown.getvalue()
    assert b"serving directory" in shown.getvalue()
    assert b"FLOOD" not in shown.getvalue()
    assert b"\x1b[?25h" in shown.getvalue()  # the cursor is back


def test_serve_hands_its_options_to_the_server(tmp_path, monkeypatch):
    called = {}
    monkeypatch.setattr("easel_serving.server.main", lambda serving, **options: called.update(options, serving=serving))
    result = easel("serve", "--serving", tmp_path, "--host", "::1", "--rest-port", "0", "--pixels", "9")
    assert result.exit_code == 0
    assert called == {
        "serving": tmp_path, "host": "::1", "rest_port": 0, "grpc_port": 8500, "runtime": "tensorflow", "pixels": 9,
    }  # fmt: skip


def test_the_lock_is_free_after_a_run(config_file, fake_runner, folders):
    fake_runner(finishing_with("pushed"))
    easel("run", config_file)
    with lock.hold(folders / "work") as stale:
        assert stale is None


class FakeModels:
    """Stands for `easel_serving.local.LocalModels`, which needs TensorFlow and a trained model."""

    def __init__(self, serving_dir):
        self.serving_dir = serving_dir

    def classify(self, paths, model=None):
        scores = {"cat": 0.75, "dog": 0.2, "cow": 0.05}
        return [{"path": str(path), "label": "cat", "score": 0.75, "scores": scores} for path in paths]

    def engine(self, model=None):
        return FakeEngine()


class FakeEngine:
    """Paints in a painting's grey, which is its code."""

    def known(self, name):
        return np.array([{"wave": 40.0, "night": 80.0}[name]])

    def part_painter(self, photo, code, strength):
        print("a flood")
        return lambda box: np.full_like(photo[box], round(code[0] * strength))


@pytest.fixture
def fake_models(monkeypatch):
    module = types.ModuleType("easel_serving.local")
    module.LocalModels = FakeModels
    monkeypatch.setitem(sys.modules, "easel_serving.local", module)


@pytest.mark.usefixtures("fake_models")
def test_classify_prints_labels_or_json():
    result = easel("classify", "--json", "a.jpg", "b.jpg")
    assert [(entry["path"], entry["label"], entry["score"]) for entry in json.loads(result.stdout)] == [
        ("a.jpg", "cat", 0.75),
        ("b.jpg", "cat", 0.75),
    ]
    text = easel("classify", "a.jpg").stdout
    assert "cat" in text
    assert "dog 0.200, cow 0.050" in text


@pytest.fixture
def photo(tmp_path):
    (tmp_path / "photos").mkdir()
    path = tmp_path / "photos" / "p.jpg"
    Image.new("RGB", (640, 480), "white").save(path)
    return path


def grey(path):
    """The one grey of a picture, and its size and format."""
    with Image.open(path) as picture:
        [(_, (value, *_))] = picture.getcolors()
        return value, picture.size, picture.format


@pytest.mark.usefixtures("fake_models")
@pytest.mark.parametrize(("name", "format"), [("out.png", "PNG"), ("out.jpg", "JPEG"), ("out.tif", "TIFF")])
def test_stylize_writes_the_format_of_the_name_and_a_preview(photo, tmp_path, name, format):
    output, preview = tmp_path / name, tmp_path / "preview.png"
    arguments = ["--style", "wave=3", "--style", "night", "--preview", preview, "-o", output]
    result = easel("stylize", "--content", photo, *arguments)
    assert (result.exit_code, result.stdout) == (0, f"{output}\n")
    assert grey(output) == (50, (640, 480), format)
    assert grey(preview) == (50, (256, 192), "PNG")


@pytest.mark.usefixtures("fake_models")
def test_stylize_paints_a_region_at_a_size(photo, tmp_path):
    Image.new("L", (64, 48), "white").save(tmp_path / "mask.png")
    arguments = ["--style", "wave", "--region", tmp_path / "mask.png", "night", "--size", "1280", "--strength", "0.5"]
    easel("stylize", "--content", photo, *arguments, "-o", tmp_path / "out.png")
    assert grey(tmp_path / "out.png") == (40, (1280, 960), "PNG")


@pytest.mark.usefixtures("fake_models")
def test_stylize_paints_a_folder_and_says_which_photos_it_could_not(photo, tmp_path):
    (photo.parent / "more").mkdir()
    Image.new("RGB", (8, 8)).save(photo.parent / "more" / "q.webp")
    (photo.parent / "broken.jpg").write_text("hello")
    result = easel("stylize", "--content", photo.parent, "--style", "wave", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stdout.split() == [str(tmp_path / "out" / name) for name in ("more/q.png", "p.jpg")]
    assert "broken.jpg: not an image" in result.stderr
    assert "1 of 3 photos could not be painted; the others are" in result.stderr
    assert grey(tmp_path / "out/more/q.png") == (40, (8, 8), "PNG")


@pytest.mark.usefixtures("fake_models")
@pytest.mark.parametrize(
    ("output", "extra", "expected"),
    [
        ("out.txt", ["--style", "wave"], "name an image file"),
        ("none/out.png", ["--style", "wave"], "does not exist"),
        ("o.png", ["--style", "wave", "--strength", "1.5"], "not in the range"),
        ("o.png", [], "--style: name a painting"),
        ("o.png", ["--style", "wave=much"], "wave=much: the weight 'much' is not a positive number"),
        ("o.png", ["--style", "wave", "--mask", "none.png"], "none.png: No such file"),
    ],
)
def test_stylize_refuses_what_cannot_be(photo, tmp_path, output, extra, expected):
    result = easel("stylize", "--content", photo, *extra, "-o", tmp_path / output)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert list(tmp_path.iterdir()) == [photo.parent]
