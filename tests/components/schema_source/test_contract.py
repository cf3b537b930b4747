"""The schema file: proposed once, kept, and a cache key that follows what a person does to it."""

from importlib import resources

import pytest
from easel_serving.registry import files
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import schema_utils

from components.artifacts import features
from components.schema_source import contract
from trainer.base.errors import UserError

CURATED = {
    name: (resources.files("data") / "schemas" / f"{name}.pbtxt").read_text() for name in ("photos", "paintings")
}
BASE = '# why\nfeature { name: "image/height" type: INT }\n'


def read(text: str) -> schema_pb2.Schema:
    return text_format.Parse(text, schema_pb2.Schema())


def test_the_key_of_a_proposal_is_the_one_it_was_proposed_under(tmp_path):
    path = tmp_path / "deep" / "schema.pbtxt"
    nonce = contract.schema_key(path)
    files.write(path, contract.propose(BASE, ["dog", "cat"], nonce))
    assert contract.schema_key(path) == nonce
    assert [each.name for each in path.parent.iterdir()] == ["schema.pbtxt"]


def test_the_key_follows_edits_and_deletion(tmp_path):
    path = tmp_path / "schema.pbtxt"
    text = contract.propose(BASE, ["cat"], "nonce1")
    path.write_text(text.replace("# why", "# because"))
    edited = contract.schema_key(path)
    path.write_text(text.replace("# why", "# therefore"))
    edited_again = contract.schema_key(path)
    path.write_text(text)
    restored = contract.schema_key(path)
    path.unlink()
    assert len({edited, edited_again, contract.schema_key(path), contract.schema_key(path), "nonce1"}) == 5
    assert restored == "nonce1"


def test_a_persons_own_file_is_known_by_its_content(tmp_path):
    path = tmp_path / "schema.pbtxt"
    path.write_text(BASE)
    assert contract.schema_key(path) == contract.schema_key(path)


def test_what_is_no_schema_is_named_with_its_line(tmp_path):
    path = tmp_path / "schema.pbtxt"
    path.write_text("feature {\n  nome: 1\n}")
    with pytest.raises(UserError, match=r"schema\.pbtxt:2:"):
        contract.schema_key(path)


def test_a_proposal_keeps_the_comments_and_lists_the_classes():
    text = contract.propose(BASE, ["dog", "b\N{LATIN SMALL LETTER A WITH ACUTE}rd"], "n")
    assert "# why" in text
    schema = read(text)
    assert schema.feature[1].domain == schema.string_domain[0].name
    assert list(schema.string_domain[0].value) == ["bárd", "dog"]


def test_a_flat_folder_has_no_class_domain():
    schema = read(contract.propose(BASE, [], "n"))
    assert not schema.string_domain
    assert not schema.feature[1].domain


@pytest.mark.parametrize("name", CURATED)
def test_a_curated_schema_bounds_what_statistics_watch(name):
    schema = read(contract.propose(CURATED[name], ["cat"], "n"))
    assert {each.name for each in schema.feature} == set(features.WATCHED)
    for each in schema.feature:
        assert schema_pb2.FeatureType.Name(each.type) == features.WATCHED[each.name]
        assert each.presence.min_fraction == 1


@pytest.mark.parametrize("name", CURATED)
def test_transform_takes_every_feature_for_one_value_that_is_always_there(name):
    completed = contract.complete(read(contract.propose(CURATED[name], ["cat"], "n")))
    spec = schema_utils.schema_as_feature_spec(completed).feature_spec
    assert set(spec) == {*features.WATCHED, features.ENCODED, features.FILENAME, features.SHA256}
    assert all(tuple(each.shape) == () and each.default_value is None for each in spec.values())


def test_completing_leaves_what_a_person_wrote():
    own = read('feature { name: "image/encoded" type: BYTES annotation { comment: "mine" } }')
    completed = contract.complete(own)
    assert completed.feature[0] == own.feature[0]
    assert not own.tensor_representation_group
