import json
import os
import shutil

import pytest
from easel_serving.protocol.errors import ServingError
from easel_serving.registry import signing
from easel_serving.registry.registry import Registry
from easel_serving.registry.signed_copy import signed_copy
from easel_serving.registry.verify import verify

pytest.importorskip("cryptography")
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa


@pytest.fixture
def keys(tmp_path):
    """Writes a pair of keys as OpenSSL does; returns their paths."""

    def make(name, key=None):
        key = key or ed25519.Ed25519PrivateKey.generate()
        private, public = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub.pem"
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        public.write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return private, public

    return make


def files(path, public):
    """What is loaded of a version, by name: the files of the copy that is checked."""
    with signed_copy(path, public) as copy:
        return {each.relative_to(copy).as_posix(): each.read_text() for each in copy.rglob("*") if each.is_file()}


@pytest.fixture
def signed(keys, tmp_path, saved_model):
    private, public = keys("ours")
    registry = Registry(tmp_path / "serving", signing_key=private)
    registry.push("m", saved_model("one"), {})
    return registry, public


def test_what_was_pushed_with_the_key_is_accepted(signed, keys):
    registry, public = signed
    files(registry.root / "m/1", public)
    assert verify(registry.root, public) == []
    _, stranger = keys("theirs")
    with pytest.raises(ServingError, match=r"manifests/1/manifest.json: not signed by the holder of .*theirs.pub.pem"):
        files(registry.root / "m/1", stranger)
    assert [finding.kind for finding in verify(registry.root, stranger)] == ["unsigned"]


def test_no_change_goes_unnoticed(signed, saved_model):
    registry, public = signed
    version = registry.version("m", 1)
    (version.path / "saved_model.pb").write_text("two")
    with pytest.raises(ServingError, match=r"m/1/saved_model.pb: changed; it is not what was signed"):
        files(version.path, public)
    shutil.copytree(saved_model("two"), version.path, dirs_exist_ok=True)
    manifest = {**version.manifest, "files": Registry(registry.root).version("m", 1).manifest["files"]}
    manifest["files"]["saved_model.pb"]["sha256"] = "0" * 64
    (version.manifest_dir / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ServingError, match="not signed"):
        files(version.path, public)


def test_a_signed_version_vouches_for_no_other_number(signed):
    registry, public = signed
    shutil.copytree(registry.root / "m/1", registry.root / "m/7")
    shutil.copytree(registry.root / "m/manifests/1", registry.root / "m/manifests/7")
    with pytest.raises(ServingError, match=r"m/manifests/7/manifest.json: signed for another version"):
        files(registry.root / "m/7", public)
    assert "unsigned" in [finding.kind for finding in verify(registry.root, public)]


def test_links_are_foreign(signed, tmp_path):
    registry, public = signed
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "deep").mkdir(parents=True)
    (registry.root / "m/1/assets/more").symlink_to(elsewhere)
    assert files(registry.root / "m/1", public) == {"saved_model.pb": "one", "variables/variables.index": "index"}
    (registry.root / "m/notes.txt").write_text("beside the versions")
    assert [(finding.kind, finding.path) for finding in verify(registry.root)] == [
        ("foreign", "m/1/assets/more"),
        ("foreign", "m/notes.txt"),
    ]


def test_signing_later_and_refilling(keys, tmp_path, saved_model):
    private, public = keys("ours")
    plain = Registry(tmp_path / "serving")
    plain.push("m", saved_model("one"), {})
    with pytest.raises(ServingError, match="no key to sign with"):
        plain.sign("m", 1)
    registry = Registry(plain.root, signing_key=private)
    registry.sign("m", 1, why="the key is new")
    files(plain.root / "m/1", public)
    shutil.rmtree(plain.root / "m/1")
    assert registry.push("m", saved_model("one"), {}, warmup=b"other").outcome == "refilled"
    files(plain.root / "m/1", public)
    shutil.rmtree(plain.root / "m/1")
    assert plain.push("m", saved_model("one"), {}).outcome == "refilled"
    assert [finding.kind for finding in verify(plain.root, public)] == ["unsigned"]
    (plain.root / "m/1/saved_model.pb").write_text("other")
    with pytest.raises(ServingError, match="only what was pushed can be signed"):
        registry.sign("m", 1)


def test_what_is_vouched_for_is_what_was_read(signed, saved_model):
    """The manifest was read, and the signed one put back before the signature was looked at."""
    registry, public = signed
    path = registry.root / "m/manifests/1/manifest.json"
    ours = path.read_bytes()
    document = json.loads(ours)
    document["files"]["saved_model.pb"]["sha256"] = "0" * 64
    path.write_text(json.dumps(document))
    version = registry.version("m", 1)
    path.write_bytes(ours)
    assert not signing.signed(version, public)
    assert signing.signed(registry.version("m", 1), public)


def test_only_what_was_to_be_pushed_is_signed(signed, saved_model, monkeypatch):
    """Who can write the directory exchanges the copies before their hashes are taken."""
    registry, _ = signed
    copy = shutil.copyfile

    def exchanged(source, target, **how):
        copy(source, target, **how)
        if str(target).endswith("saved_model.pb"):
            registry.root.joinpath(target).write_text("of the attacker")
        return target

    monkeypatch.setattr(shutil, "copyfile", exchanged)
    with pytest.raises(ServingError, match=r"saved_model.pb: changed while it was copied"):
        registry.push("m", saved_model("two"), {})
    monkeypatch.undo()
    assert [version.number for version in registry.history("m")] == [1]
    assert [path for path in registry.root.rglob(".tmp-*")] == []


def test_a_refill_signs_no_manifest_that_was_not_signed_before(signed, saved_model):
    """Else whoever empties a version's folder gets his own attachments signed by the next run."""
    registry, public = signed
    path = registry.root / "m/manifests/1/manifest.json"
    (path.parent / "styles.json").write_text("[]")
    document = json.loads(path.read_text())
    document["attachments"]["styles.json"] = {"sha256": "0" * 64, "bytes": 2}
    path.write_text(json.dumps(document))
    shutil.rmtree(registry.root / "m/1")
    assert registry.push("m", saved_model("one"), {}).outcome == "refilled"
    assert "unsigned" in [finding.kind for finding in verify(registry.root, public)]


def test_wrong_keys_are_one_clear_line(keys, tmp_path):
    private, public = keys("rsa", rsa.generate_private_key(65537, 2048))
    (tmp_path / "noise.pem").write_text("noise")
    for key in (private, public, tmp_path / "noise.pem"):
        with pytest.raises(ServingError, match="no private Ed25519 key in PEM"):
            signing.signature(b"", key)
    with pytest.raises(ServingError, match="cannot be read"):
        signing.signature(b"", tmp_path / "none.pem")


def test_what_is_exchanged_after_the_check_is_not_loaded(signed, monkeypatch):
    run = pytest.importorskip("easel_serving.server.process.run")
    registry, public = signed
    original = registry.root / "m/1/saved_model.pb"

    def attacked(path, limits):
        original.write_text("of the attacker")
        return (path / "saved_model.pb").read_text(), path

    monkeypatch.setattr(run, "_servable", lambda runtime: attacked)
    load = run._loader(registry.root, run.Settings("h", 0, None, public_key=public), "tensorflow")
    loaded, copy = load(registry.root / "m/1")
    assert loaded == "one"
    assert not copy.exists()
    with pytest.raises(ServingError, match=r"m/1/saved_model.pb: changed; it is not what was signed"):
        load(registry.root / "m/1")


def test_neither_pipes_nor_links_nor_endless_files_are_read(signed):
    registry, public = signed
    path = registry.root / "m/1/variables/variables.index"
    for replace in (
        lambda: os.mkfifo(path),
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to(registry.root / "m/1/saved_model.pb"),
        lambda: path.write_text("index and more"),
        lambda: path.write_text("inde"),
    ):
        path.unlink()
        replace()
        with pytest.raises(ServingError, match=r"variables.index: .*it is not what was signed"):
            files(registry.root / "m/1", public)
