"""The schema file: proposing it, and knowing whether it is still the proposal.

A proposal starts with two comment lines: a nonce, and the digest of the text below them. That is what lets TFX's cache
do the right thing with a file that the pipeline itself wrote:

* no file: the key is a fresh nonce, so SchemaSource runs, proposes and writes the nonce into the file;
* the file as proposed: the key is the nonce in it, the same as in that first run, so the second run is cached;
* the file edited, or written by the person: the key is the digest of its content, so an edit re-runs what uses it;
* the file deleted: a fresh nonce again, so a new one is proposed.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.artifacts import features
from trainer.base.errors import UserError

CLASSES = "classes"
"""Name of the string domain that lists the classes."""
TRAINING, SERVING = ENVIRONMENTS = ("TRAINING", "SERVING")
"""The schema's environments: what is asked of photos that are served is what is asked for training, but for a class."""
PATH_PROPERTY = "path"
"""Custom property of the Schema artifact: the file that the person may edit."""

_HEADER = re.compile(r"# proposal: (?P<nonce>\w+)\n# digest: (?P<digest>\w+)\n")
_ADVICE = """\
# Proposed by Easel from the first data it saw. This file is the contract from now on: edit it as you like, it is never
# overwritten. Delete it to have a new one proposed.
"""


def schema_key(schema_path: str | os.PathLike) -> str:
    """The cache key of the schema at `schema_path`, which need not exist; see the module.

    Raises:
        UserError: the file is no schema; the message has the line.
    """
    path = Path(schema_path)
    if not path.exists():
        return uuid.uuid4().hex
    text = path.read_text(encoding="utf-8")
    parse(text, path)
    header = _HEADER.match(text)
    if header and header["digest"] == _digest(text[header.end() :]):
        return header["nonce"]
    return _digest(text)


def parse(text: str, path: str | os.PathLike) -> schema_pb2.Schema:
    """The schema in `text`, the content of `path`.

    Raises:
        UserError: it is not a schema; the message names the file and the line.
    """
    try:
        return text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        raise UserError(
            f"{path}:{error}: not a schema: mend the line, or delete the file to have one proposed"
        ) from None


def propose(base: str, labels: Sequence[str], nonce: str) -> str:
    """The text of a proposal: the curated base with its comments, the class feature, and the classes there are.

    Args:
        base: text of a curated schema without the class feature.
        labels: the classes; empty for a folder without classes, and then the feature has no domain.
        nonce: goes into the header.
    """
    addition = schema_pb2.Schema()
    feature = addition.feature.add(name=features.LABEL, type=schema_pb2.BYTES)
    feature.presence.min_fraction = feature.presence.min_count = 1
    feature.shape.SetInParent()
    comment = "# A flat folder: its images have no class."
    feature.not_in_environment.append(SERVING)
    addition.default_environment.extend(ENVIRONMENTS)
    if labels:
        comment = "# The classes: a folder that is not listed here is a new class, which DataGate reports."
        feature.domain = CLASSES
        addition.string_domain.add(name=CLASSES, value=sorted(labels))
    body = f"{_ADVICE}\n{base.strip()}\n\n{comment}\n{text_format.MessageToString(addition, as_utf8=True)}"
    return f"# proposal: {nonce}\n# digest: {_digest(body)}\n{body}"


def complete(schema: schema_pb2.Schema) -> schema_pb2.Schema:
    """The schema as the components after this one need it: with the features that people need not think about.

    The image, its name and its digest have no statistics, so ExampleValidator must not miss them: they get no
    `presence`. But Transform takes a feature without `presence` for one that may be absent. Tensor representations tell
    it that all features are always there, one value each. A schema without environments gets ours.
    """
    completed = schema_pb2.Schema()
    completed.CopyFrom(schema)
    listed = {feature.name for feature in schema.feature}
    for name in (features.ENCODED, features.FILENAME, features.SHA256, features.LABEL):
        if name not in listed:
            completed.feature.add(name=name, type=schema_pb2.BYTES)
    if not completed.default_environment:
        completed.default_environment.extend(ENVIRONMENTS)
        for feature in completed.feature:
            if feature.name == features.LABEL:
                feature.not_in_environment.append(SERVING)
    representations = completed.tensor_representation_group[""].tensor_representation
    for feature in completed.feature:
        if feature.name not in representations:
            representations[feature.name].dense_tensor.column_name = feature.name
            representations[feature.name].dense_tensor.shape.SetInParent()
    return completed


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
