"""Artifact types of Easel's own components.

TFX's standard types (Examples, Model, ModelEvaluation, Schema, PushedModel, ...) are used wherever they fit. The
integer properties below exist so that a `Cond` in the pipeline can test them; the rest is in the files named here.
"""

from tfx.types import artifact


def _int() -> artifact.Property:
    return artifact.Property(type=artifact.PropertyType.INT)


class IngestReport(artifact.Artifact):
    """What became of every file.

    `report.json` has the counts; `rejected.jsonl`, `duplicates.jsonl`, `ignored.jsonl` and `first_only.jsonl` a line of
    JSON for each file that is more than an example, and `near_duplicates.jsonl` for each group.
    """

    TYPE_NAME = "EaselIngestReport"
    PROPERTIES = {"seen": _int(), "examples": _int(), "rejected": _int(), "duplicates": _int(), "ignored": _int()}


class SplitLedger(artifact.Artifact):
    """Which split every image was ever given: `ledger.json` and `ledger-NN-of-NN.tsv`, see `ledger.py` of ingest."""

    TYPE_NAME = "EaselSplitLedger"


class DataVerdict(artifact.Artifact):
    """DataGate's answer: `verdict.json` with every finding; `passed` is 1 when the lane may go on."""

    TYPE_NAME = "EaselDataVerdict"
    PROPERTIES = {"passed": _int()}


class ChampionVerdict(artifact.Artifact):
    """Whether there is something to decide: `champion.json`; `changed` is 0 when the candidate already serves."""

    TYPE_NAME = "EaselChampionVerdict"
    PROPERTIES = {"changed": _int()}


class TFLiteModels(artifact.Artifact):
    """Verified variants `<part>.<variant>.tflite` and `tflite.json` with a verdict for each, withheld ones included."""

    TYPE_NAME = "EaselTFLiteModels"


class Decision(artifact.Artifact):
    """PromotionGate's answer: `decision.json` with reasons, checks, metrics; `approved` is 1 when it may be pushed."""

    TYPE_NAME = "EaselDecision"
    PROPERTIES = {"approved": _int()}
