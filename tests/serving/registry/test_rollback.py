"""The registry against a model of it: any sequence of changes, with folders lost and copied in between."""

import json
import os
import shutil

import pytest
from easel_serving.protocol import messages
from easel_serving.protocol.errors import ServingError
from easel_serving.registry import audit, config_files, files, succession
from easel_serving.registry.directory import Directory
from easel_serving.registry.registry import Registry
from easel_serving.registry.verify import verify
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

OWN = ("berlin", "pinned")
POLICIES = ("auto", "canary", "manual")


def record(action, stable, before=None, **more):
    """A line of the log: a change of the stable label, and which version had it before."""
    old = {} if before is None else {"stable": before}
    return {
        "id": f"{action}{stable}", "time": "", "who": "", "why": "", "action": action, "model": "m", "version": stable,
        "from": old, "to": {"stable": stable}, **more,
    }  # fmt: skip


def logged(*changes):
    """Changes one after the other, as `(action, stable)`; what is no pair stays as it is."""
    records, before = [], None
    for place, change in enumerate(changes):
        if isinstance(change, tuple):
            records.append({**record(*change, before), "id": str(place)})
            before = change[1]
        else:
            records.append(change)
    return records


@pytest.mark.parametrize(
    ("records", "past"),
    [
        ([("push", 1), ("push", 2), ("push", 3)], [1, 2, 3]),
        ([("push", 1), ("push", 3), ("promote", 2)], [1, 3, 2]),
        ([("push", 1), ("push", 3), ("promote", 2), ("rollback", 3)], [1, 3]),
        ([("push", 1), ("push", 3), ("promote", 2), ("rollback", 3), ("rollback", 1)], [1]),
        ([("push", 1), ("push", 2), ("promote", 1), ("promote", 2), ("rollback", 1)], [1]),
        ([("push", 1), ("push", 2), ("rollback", 1), ("promote", 2), ("push", 3)], [1, 2, 3]),
        ([("push", 1), ("push", 2), ("push", 3), ("rollback", 1)], [1]),
        ([("push", 1), ("push", 2), ("rollback", 7)], [1, 7]),
        ([("push", 1), ("push", 2), ("label", 2), ("gc", 2), ("refill", 2)], [1, 2]),
    ],
)
def test_the_succession_is_read_from_the_log(records, past):
    assert succession.of_model(logged(*records), {"stable": past[-1]}) == past


def test_an_undone_change_never_was():
    changes = [
        record("push", 1),
        record("push", 2, 1),
        record("promote", 5, 2),
        record("undo", 2, 5, undoes="promote5"),
    ]
    assert succession.of_model(changes, {"stable": 2}) == [1, 2]
    changes += [record("rollback", 1, 2), record("undo", 2, 1, undoes="rollback1")]
    assert succession.of_model(changes, {"stable": 2}) == [1, 2]


def test_what_the_log_does_not_know_is_taken_from_the_labels():
    assert succession.of_model([], {"stable": 5, "previous": 3}) == [3, 5]
    assert succession.of_model([record("push", 1)], {"stable": 5}) == [1, 5]
    assert succession.of_model([record("push", 1)], {}) == []
    assert succession.of_model([record("push", 1), record("push", 6, 5)], {"stable": 6}) == [1, 5, 6]


@pytest.mark.parametrize(
    ("changes", "labels", "past"),
    [
        # a push was lost, and nothing else: the label says so
        ([("push", 1), None, ("push", 3)], {"stable": 3, "previous": 1}, [1, 3]),
        # it may have been a rollback from 3: only what `previous` says is sure
        ([("push", 1), ("push", 2), ("push", 3), None], {"stable": 2, "previous": 1}, [1, 2]),
        ([("push", 1), ("push", 2), None], {"stable": 1}, [1]),
        # it was of another model
        ([("push", 1), ("push", 2), ("push", 3), None], {"stable": 3, "previous": 2}, [1, 2, 3]),
        ([None, None], {"stable": 3}, [3]),
    ],
)
def test_after_lost_lines_no_rollback_goes_where_nobody_knows(changes, labels, past):
    assert succession.of_model(logged(*changes), labels) == past


NO_RECORDS = [
    b"{}", b"[1]", b'"x"', b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'{"id": "x"}',
    json.dumps(record("promote", 2) | {"to": {"stable": "2"}}).encode(),
    json.dumps(record("promote", 2) | {"to": ["stable"]}).encode(),
    json.dumps(record("promote", 2) | {"version": True}).encode(),
    json.dumps(record("promote", 2) | {"model": 7}).encode(),
    json.dumps({key: value for key, value in record("promote", 2).items() if key != "to"}).encode(),
    json.dumps({key: value for key, value in record("promote", 2).items() if key != "action"}).encode(),
]  # fmt: skip


@pytest.mark.parametrize("line", NO_RECORDS, ids=range(len(NO_RECORDS)))
def test_a_line_that_is_no_record_is_passed_over_with_a_notice(registry, saved_model, line, caplog):
    registry.push("m", saved_model("three"), {})
    with open(registry.root / "audit.jsonl", "ab") as file:
        file.write(line + b"\n")
    assert registry.promote("m", 1)["stable"] == 1
    assert registry.rollback("m") == {"stable": 3, "previous": 2}
    assert registry.rollback("m") == {"stable": 2}
    assert len(audit.read(registry.root)) == 6
    notices = [each.getMessage() for each in caplog.records if "no record of a change" in each.getMessage()]
    assert notices == [f"{registry.root / 'audit.jsonl'}, line 4: no record of a change, passed over"]


def test_a_rollback_whose_line_is_damaged_is_not_taken_back_by_the_next(registry, saved_model):
    registry.push("m", saved_model("three"), {})
    assert registry.rollback("m") == {"stable": 2, "previous": 1}
    path = registry.root / "audit.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:20] + b"\n")
    assert registry.rollback("m") == {"stable": 1}
    with pytest.raises(ServingError, match="no version was stable before; name one with --to"):
        registry.rollback("m")


@pytest.mark.parametrize(
    "change",
    [
        lambda document: "{",
        lambda document: "[]",
        lambda document: {**document, "leaves": None},
        lambda document: {**document, "leaves": ["../../other"]},
        lambda document: {**document, "record": {}},
        lambda document: {**document, "record": {**document["record"], "model": "../elsewhere"}},
        lambda document: {**document, "more": 1},
    ],
    ids=range(7),
)
def test_what_is_no_change_of_ours_is_not_carried_out(registry, change):
    record = audit.read(registry.root)[-1] | {"id": "new", "action": "retire"}
    written = change({"record": record, "base_path": "/x", "leaves": [1]})
    journal = registry.root / ".journal.json"
    journal.write_text(written if isinstance(written, str) else json.dumps(written))
    before = registry.labels("m"), len(registry.versions("m"))
    with pytest.raises(ServingError, match=r"journal.json: damaged: no change that a writer began .* remove this file"):
        registry.promote("m", 1)
    assert (registry.labels("m"), len(registry.versions("m"))) == before
    journal.unlink()
    assert registry.promote("m", 1)["stable"] == 1


class Machine(RuleBasedStateMachine):
    """What the registry should be, kept in plain variables, beside the registry."""

    folder = None

    @initialize()
    def begin(self):
        self.root = Machine.folder / "serving"
        shutil.rmtree(self.root, ignore_errors=True)
        self.registry = Registry(self.root)
        self.contents = {}  # number -> content
        self.gone = {}  # number -> "retire", "gc"
        self.lost = set()
        self.labels = {}
        self.past = []  # the stable versions, the last serves
        self.back_from = set()  # rolled back from, and not promoted since

    # What the model says

    def loadable(self, number):
        return number in self.contents and number not in self.gone and number not in self.lost

    def become_stable(self, number):
        if self.past[-1:] != [number]:
            if self.past and self.loadable(self.past[-1]):
                self.labels["previous"] = self.past[-1]
            else:
                self.labels.pop("previous", None)
            self.past.append(number)
        self.labels["stable"] = number
        if self.labels.get("canary") == number:
            del self.labels["canary"]
        self.back_from.discard(number)

    def candidates(self, past):
        found = []
        for number in reversed(past[:-1]):
            if number != past[-1] and number not in self.gone and number not in found:
                found.append(number)
        return found

    # What people do

    def saved_model(self, content):
        path = Machine.folder / f"model-{content}"
        if not path.exists():
            (path / "variables").mkdir(parents=True)
            (path / "saved_model.pb").write_text(str(content))
            (path / "variables/variables.index").write_text("index")
        return path

    @rule(content=st.integers(0, 5), policy=st.sampled_from(POLICIES))
    def push(self, content, policy):
        same = [number for number, known in self.contents.items() if known == content]
        same = [number for number in same if self.gone.get(number) != "gc"]
        done = self.registry.push("m", self.saved_model(content), {}, policy=policy)
        if same:
            number = max(same)
            assert done.outcome == ("refilled" if number in self.lost and number not in self.gone else "unchanged")
            self.lost.discard(number)
        else:
            number = max(self.contents, default=0) + 1
            assert done.outcome == "pushed"
            self.contents[number] = content
            if policy == "canary" and "stable" in self.labels:
                self.labels["canary"] = number
            elif policy != "manual":
                self.become_stable(number)
        assert done.version.number == number

    @precondition(lambda self: self.contents)
    @rule(data=st.data(), label=st.sampled_from(["stable", "canary"]))
    def promote(self, data, label):
        number = data.draw(st.sampled_from(sorted(self.contents)))
        if not self.loadable(number):
            with pytest.raises(ServingError, match="a label needs a version that can be loaded"):
                self.registry.promote("m", number, label)
            return
        self.registry.promote("m", number, label)
        if label == "stable":
            self.become_stable(number)
        else:
            self.labels[label] = number

    @precondition(lambda self: self.contents)
    @rule(data=st.data(), label=st.sampled_from(OWN))
    def label(self, data, label):
        number = data.draw(st.sampled_from(sorted(self.contents)))
        if self.loadable(number):
            self.registry.label("m", label, number)
            self.labels[label] = number

    @rule(label=st.sampled_from([*OWN, "canary", "previous"]))
    def unlabel(self, label):
        if label in self.labels:
            self.registry.unlabel("m", label)
            del self.labels[label]

    @rule(data=st.data(), explicit=st.booleans())
    def rollback(self, data, explicit):
        explicit = explicit and bool(self.contents)
        to = data.draw(st.sampled_from(sorted(self.contents))) if explicit else None
        candidates = self.candidates(self.past)
        target = to if explicit else next(iter(candidates), None)
        if target is None or not self.loadable(target):
            with pytest.raises(ServingError):
                self.registry.rollback("m", to)
            return
        self.registry.rollback("m", to)
        if not explicit:
            assert target not in self.back_from, "a rollback returned to what was rolled back from"
        bad = self.past[-1] if self.past else None
        if target != bad:
            self.back_from.add(bad)
            while self.past and self.past[-1] != target and target in self.past:
                self.past.pop()
            if target not in self.past and self.past:
                self.past.pop()
            kept = []
            for number in [*(each for each in self.past if each != bad), target]:
                if kept[-1:] != [number]:
                    kept.append(number)
            self.past = kept
        self.back_from.discard(target)
        self.labels = {label: at for label, at in self.labels.items() if (label, at) != ("canary", target)}
        self.labels.pop("previous", None)
        self.labels["stable"] = target
        previous = next((number for number in self.candidates(self.past) if self.loadable(number)), None)
        if previous is not None:
            self.labels["previous"] = previous

    @precondition(lambda self: self.contents)
    @rule(data=st.data())
    def retire(self, data):
        number = data.draw(st.sampled_from(sorted(self.contents)))
        if number == self.labels.get("stable"):
            with pytest.raises(ServingError, match="is stable"):
                self.registry.retire("m", number)
            return
        self.registry.retire("m", number)
        self.gone[number] = "retire"
        self.labels = {label: at for label, at in self.labels.items() if at != number}

    @precondition(lambda self: self.contents)
    @rule(keep=st.integers(1, 3))
    def gc(self, keep):
        there = [number for number in sorted(self.contents) if self.loadable(number)]
        doomed = [number for number in there[:-keep] if number not in self.labels.values()]
        assert self.registry.gc("m", keep) == doomed
        self.gone |= dict.fromkeys(doomed, "gc")

    # What happens to a directory

    @precondition(lambda self: self.contents)
    @rule(data=st.data(), damaged=st.booleans())
    def lose(self, data, damaged):
        number = data.draw(st.sampled_from(sorted(self.contents)))
        if self.loadable(number):
            folder = self.root / "m" / str(number)
            (folder / "saved_model.pb").unlink() if damaged else files.remove(folder)
            self.lost.add(number)

    @precondition(lambda self: self.labels)
    @rule()
    def lose_the_configuration(self):
        (self.root / "models.config").unlink(missing_ok=True)

    # What always holds

    @invariant()
    def labels_are_as_they_should_be(self):
        if self.contents:
            assert Directory(self.root).labels("m") == self.labels

    @invariant()
    def no_version_is_half_there(self):
        if self.contents:
            assert {finding.kind for finding in verify(self.root)} <= {"missing"}
            assert {finding.version for finding in verify(self.root)} <= self.lost
            assert [path for path in self.root.rglob(".*") if path.name != ".lock"] == []

    @invariant()
    def what_is_loaded_is_what_has_a_label(self):
        entry = config_files.read_models(self.root).get("m") if self.contents else None
        if entry is not None:
            assert set(entry.versions) == set(entry.labels.values())

    @invariant()
    def every_change_is_in_the_log_once(self):
        ids = [each["id"] for each in audit.read(self.root)] if self.contents else []
        assert len(ids) == len(set(ids))


def test_the_registry_is_what_its_model_is(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    Machine.folder = tmp_path
    machine = Machine.TestCase
    machine.settings = settings(
        max_examples=40,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    machine().runTest()


# Versions that people copy


def by_hand(root, number, variables=True, assets=True, manifest=None):
    """A version as `cp -r` leaves it: with a real `saved_model.pb` that needs variables and an asset."""
    path = root / "m" / str(number)
    path.mkdir(parents=True)
    saved = messages.SavedModel()
    graph = saved.meta_graphs.add(object_graph_def=b"\x0a\x00")
    graph.asset_file_def.add(filename="labels.txt")
    (path / "saved_model.pb").write_bytes(saved.SerializeToString())
    if variables:
        (path / "variables").mkdir()
        for name in ("variables.index", "variables.data-00000-of-00002", "variables.data-00001-of-00002"):
            (path / "variables" / name).write_text(name)
    if assets:
        (path / "assets").mkdir()
        (path / "assets/labels.txt").write_text("a\n")
    return path


def refused(registry, number, said):
    before = (registry.root / "models.config").read_bytes()
    for change in (
        lambda: registry.promote("m", number),
        lambda: registry.promote("m", number, "canary"),
        lambda: registry.label("m", "mine", number),
        lambda: registry.rollback("m", to=number),
    ):
        with pytest.raises(ServingError, match=said):
            change()
    assert (registry.root / "models.config").read_bytes() == before


@pytest.fixture
def registry(tmp_path, saved_model):
    registry = Registry(tmp_path / "serving")
    registry.push("m", saved_model("one"), {})
    registry.push("m", saved_model("two"), {})
    return registry


def test_a_version_copied_by_hand_is_promoted_when_it_is_complete(registry):
    by_hand(registry.root, 7)
    assert registry.promote("m", 7) == {"stable": 7, "previous": 2}
    assert registry.rollback("m") == {"stable": 2, "previous": 1}


def test_a_version_copied_by_hand_in_part_is_not_promoted(registry):
    by_hand(registry.root, 7, variables=False)
    refused(registry, 7, r"m version 7 is not complete: .*variables/variables.index is missing; a label needs")
    by_hand(registry.root, 8, assets=False)
    refused(registry, 8, r"8/assets/labels.txt is missing")
    path = by_hand(registry.root, 9)
    (path / "variables/variables.data-00001-of-00002").unlink()
    refused(registry, 9, r"lacks files called variables.data-\*")
    path = by_hand(registry.root, 10)
    content = (path / "saved_model.pb").read_bytes()
    (path / "saved_model.pb").write_bytes(content[:-3])
    refused(registry, 10, "only a part of one")
    (path / "saved_model.pb").write_bytes(b"")
    refused(registry, 10, "has no graph")


def test_shards_are_counted_not_counted_up_to(registry):
    """A name says of how many files it is one: a trillion of them took all memory."""
    path = by_hand(registry.root, 7)
    for name in ("variables.data-00000-of-00002", "variables.data-00001-of-00002"):
        (path / "variables" / name).unlink()
    (path / "variables" / f"variables.data-00000-of-{10**12}").write_text("")
    refused(registry, 7, r"lacks files called variables.data-\*")


def tampered(registry, number, change):
    path = registry.root / f"m/manifests/{number}/manifest.json"
    document = json.loads(path.read_text())
    written = change(document)
    path.write_text(written if isinstance(written, str) else json.dumps(written))


ENTRY = {"sha256": "0" * 64, "bytes": 1}
TAMPERED = [
    (lambda document: {key: value for key, value in document.items() if key != "files"}, "no files"),
    (lambda document: {key: value for key, value in document.items() if key != "attachments"}, "no attachments"),
    (lambda document: {**document, "files": {"/etc/passwd": ENTRY}}, "files is not as it was written"),
    (lambda document: {**document, "files": {"a/../../../x": ENTRY}}, "files is not as it was written"),
    (lambda document: {**document, "attachments": {"": ENTRY}}, "attachments is not as it was written"),
    (lambda document: {**document, "files": [1]}, "files is not as it was written"),
    (lambda document: {**document, "files": {"x": 1}}, "files is not as it was written"),
    (lambda document: {**document, "files": {"x": {"sha256": 1, "bytes": "2"}}}, "files is not as it was written"),
    (lambda document: {**document, "tflite": [{"part": "../x"}]}, "tflite is not as it was written"),
    (lambda document: {**document, "signatures": []}, "signatures is not as it was written"),
    (lambda document: {**document, "labels": "abc"}, "labels is not as it was written"),
    (lambda document: [document], "no object"),
    (lambda document: "[" * 100_000, "no JSON"),
    (lambda document: "{", "no JSON"),
    (lambda document: {}, "no model"),
]


@pytest.mark.parametrize(("change", "said"), TAMPERED, ids=range(len(TAMPERED)))
def test_a_tampered_manifest_is_refused_with_a_word_and_blocks_no_other(registry, saved_model, change, said):
    tampered(registry, 1, change)
    refused(registry, 1, f"manifest damaged: {said}")
    [finding] = verify(registry.root)
    assert (finding.kind, finding.path, finding.why.startswith(said)) == (
        "damaged",
        "m/manifests/1/manifest.json",
        True,
    )
    assert [version.number for version in registry.versions("m")] == [1, 2]
    assert registry.push("m", saved_model("three"), {}).version.number == 3
    assert registry.labels("m") == {"stable": 3, "previous": 2}
    assert registry.retire("m", 1) == {"stable": 3, "previous": 2}
    assert verify(registry.root) == []


def test_a_pipe_in_the_place_of_a_file_holds_up_nobody(registry):
    path = registry.version("m", 1).path / "variables/variables.index"
    path.unlink()
    os.mkfifo(path)
    assert [(finding.kind, finding.path) for finding in verify(registry.root)] == [
        ("changed", "m/1/variables/variables.index")
    ]
    refused(registry, 1, "variables.index is changed")


def test_a_manifest_that_could_not_be_read_back_is_not_pushed(registry, saved_model):
    with pytest.raises(ServingError, match="manifest of m version 3: labels is not as it was written"):
        registry.push("m", saved_model("three"), {"labels": [1]})
    assert [version.number for version in registry.history("m")] == [1, 2]


def test_a_version_that_is_not_as_it_was_pushed_is_not_promoted(registry):
    version = registry.version("m", 1)
    card = version.manifest_dir / "card.md"
    card.write_text("more than was said")
    assert registry.promote("m", 1)["stable"] == 1  # for people only
    assert registry.promote("m", 2)["stable"] == 2
    (version.path / "variables/variables.index").write_text("damaged")
    refused(registry, 1, r"version 1 is not as it was pushed: .*variables/variables.index is changed")
    (version.path / "variables/variables.index").unlink()
    refused(registry, 1, r"variables.index is missing")


def test_an_old_stable_that_cannot_be_loaded_is_not_previous(registry, saved_model):
    (registry.root / "m/2/variables/variables.index").unlink()
    assert registry.push("m", saved_model("three"), {}).version.labels == ("stable",)
    assert registry.labels("m") == {"stable": 3}
    with pytest.raises(ServingError, match=r"version 2 is not as it was pushed: .*variables.index is missing"):
        registry.rollback("m")
    assert registry.rollback("m", to=1) == {"stable": 1}


def test_with_stable_1_3_and_then_2_a_second_rollback_goes_to_1(registry, saved_model):
    registry = Registry(registry.root.parent / "other")
    registry.push("m", saved_model("one"), {})
    registry.push("m", saved_model("bad"), {}, policy="manual")
    registry.push("m", saved_model("three"), {})
    registry.promote("m", 2)
    assert registry.rollback("m") == {"stable": 3, "previous": 1}
    assert registry.rollback("m") == {"stable": 1}
    with pytest.raises(ServingError, match="no version was stable before"):
        registry.rollback("m")


def test_labels_are_called_labels(registry):
    with pytest.raises(ServingError, match=r"'a b' cannot name a label: use letters"):
        registry.label("m", "a b", 1)
    with pytest.raises(ServingError, match="previous is always the version that was stable before"):
        registry.label("m", "previous", 1)
