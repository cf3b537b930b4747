"""kill -9 at every step of every change: the directory stays valid and the next writer ends or undoes the change.

A child process installs an audit hook (`sys.addaudithook`) that sees each file operation before it happens and kills
the process at the k-th; k grows until the change gets through.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from easel_serving.registry.registry import Registry
from easel_serving.registry.verify import verify

# One process forks a child for every k: starting Python anew each time would take most of the test's time.
KILLER = """
import os, signal, sys
from easel_serving.registry.registry import Registry
import easel_serving.protocol.messages, easel_serving.registry.audit, easel_serving.registry.signing
import filelock, getpass, json, shutil, uuid

os.fsync = lambda descriptor: None  # a kill, unlike a power cut, loses nothing that was written

STEPS = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree", "shutil.copyfile"}

def child(step, root, model, action):
    done, key = 0, sys.argv[1]
    def hook(event, args):
        nonlocal done
        writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if event in STEPS or writes:
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
    easel_serving.registry.audit.whoami()
    sys.addaudithook(hook)
    registry = Registry(root)
    eval(action, globals(), {"registry": registry, "root": root, "model": model, "key": key})

for line in sys.stdin:
    step, root, model, action = json.loads(line)
    pid = os.fork()
    if not pid:
        try:
            child(step, root, model, action)
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    print(os.waitpid(pid, 0)[1], flush=True)
"""

ACTIONS = {
    "first push": (0, "registry.push('m', model, {}, warmup=b'w')"),
    "next push": (2, "registry.push('m', model, {}, warmup=b'w')"),
    "refill": (-2, "registry.push('m', model, {}, warmup=b'w')"),
    "signed push": (1, "Registry(root, signing_key=key).push('m', model, {}, warmup=b'w')"),
    "sign": (2, "Registry(root, signing_key=key).sign('m', 2)"),
    "label": (2, "registry.label('m', 'mine', 1)"),
    "promote": (3, "registry.promote('m', 1)"),
    "rollback": (3, "registry.rollback('m')"),
    "retire": (3, "registry.retire('m', 2)"),
    "gc": (4, "registry.gc('m', keep=1)"),
}


@pytest.fixture(scope="module")
def killer(tmp_path_factory):
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    from cryptography.hazmat.primitives.asymmetric import ed25519

    key = tmp_path_factory.mktemp("keys") / "key.pem"
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.write_bytes(ed25519.Ed25519PrivateKey.generate().private_bytes(*pem))
    search = os.pathsep.join(path for path in sys.path if path and Path(path).is_dir())
    process = subprocess.Popen(
        [sys.executable, "-c", KILLER, key],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": search},
    )

    def attempt(*job):
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    yield attempt
    process.stdin.close()
    process.wait()


@pytest.mark.parametrize("name", ACTIONS)
def test_killed_anywhere(name, killer, tmp_path, saved_model, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    pushed, action = ACTIONS[name]
    refill = pushed < 0
    candidate = saved_model(f"content{abs(pushed) - 1}" if refill else "new")
    start = Registry(tmp_path / "serving")
    start.root.mkdir()
    for number in range(abs(pushed)):
        start.push("m", saved_model(f"content{number}"), {}, warmup=b"w")
    if refill:
        (start.root / f"m/{-pushed}/saved_model.pb").unlink()
    before = start.labels("m")
    for step in range(200):
        registry = Registry(tmp_path / f"serving{step}")
        shutil.copytree(start.root, registry.root)
        status = killer(step, str(registry.root), str(candidate), action)
        assert status in (0, 9)
        check_valid(registry, refilling=refill)
        after_kill = registry.labels("m")
        if status == 9 and after_kill != before:
            check_settles_to(registry, after_kill)
        done = registry.push("m", saved_model("last"), {})
        assert done.outcome == "pushed"
        assert done.version.labels == ("stable",)
        check_clean(registry)
        if refill:
            assert registry.push("m", candidate, {}).outcome in ("refilled", "unchanged")
        assert verify(registry.root) == []
        if status == 0:
            assert step > 5
            return
    pytest.fail("the change never got through")


def check_valid(registry, refilling):
    """What TensorFlow Serving would see right after the kill."""
    for path in (registry.root / "m").glob("[0-9]*"):
        if not refilling:
            assert (path / "saved_model.pb").exists()
            assert (path / "variables/variables.index").exists()
            assert (path / "assets.extra/tf_serving_warmup_requests").exists()
    for number in registry.labels("m").values():
        assert refilling or (registry.root / f"m/{number}").is_dir()
    if not refilling:
        assert [finding for finding in verify(registry.root) if finding.kind != "missing"] == []


def check_settles_to(registry, labels):
    """A change that readers have seen is never taken back."""
    history = Registry(registry.root)
    with history._writing():
        pass
    assert history.labels("m") == labels


def check_clean(registry):
    leftovers = [path for path in registry.root.rglob(".*") if path.name != ".lock"]
    assert leftovers == []
    for version in registry.history("m"):
        assert version.manifest["version"] == version.number
