"""What a run came to: the document behind the final table, `easel run --json` and the exit code."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["pushed", "unchanged", "rejected", "stopped", "failed", "skipped", "unfinished"]

OK, FAILED, BAD_INPUT, STOPPED, REJECTED, LOCKED, INTERRUPTED = 0, 1, 2, 3, 4, 75, 130


@dataclass(frozen=True)
class ModelResult:
    """One model's outcome.

    `metrics` has the keys `candidate`, `champion` (None when nothing served before) and `trivial`, the best of the
    trivial models; `trivials` has each of them, by name; `provisional` is a version that is no more than a canary until
    a person promotes it; `checks` are PromotionGate's (`metric, slice, value, bound, rule, passed`); `tflite` are
    TFLiteExporter's verdicts (`part, variant, bytes, verdict, metrics, reason`); `data` counts the files of each input
    folder (`{"photos": {"seen": 9, ...}}`); `unseen` has the metrics on paintings that training never saw
    (`candidate`, `champion` or None, `examples`); `reasons` and `warnings` are plain English lines. `version` is what
    this run pushed, or what serves unchanged. `unfinished` is what a run that was killed, or still runs, leaves in the
    workspace's memory.
    """

    name: str
    lane: str
    outcome: Outcome
    version: int | None = None
    metrics: Mapping[str, Mapping[str, float] | None] = field(default_factory=dict)
    checks: tuple[Mapping[str, Any], ...] = ()
    reasons: tuple[str, ...] = ()
    tflite: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    data: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unseen: Mapping[str, Any] = field(default_factory=dict)
    trivials: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    provisional: bool = False

    @property
    def contenders(self) -> dict[str, Mapping[str, float]]:
        """The columns of a table: candidate, champion where there was one, and each trivial model."""
        shown = {name: figures for name, figures in self.metrics.items() if figures is not None}
        if self.trivials:
            shown.pop("trivial", None)
        return {**shown, **{name.removeprefix("the "): figures for name, figures in self.trivials.items()}}


@dataclass(frozen=True)
class RunResult:
    """The whole run. The command fills in `log`, because it owns that file, and `warnings`, of hooks and a server.

    `sheet` and `data_page` are None when nothing was drawn. `run_id` is empty when no run began because the configured
    triggers gave no reason; the models' outcome is then `skipped`.
    """

    run_id: str
    models: tuple[ModelResult, ...]
    seconds: float
    serving: Path
    sheet: Path | None = None
    data_page: Path | None = None
    report: Path | None = None
    log: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 before 3 before 4 before 0: a failure hides a stopped lane, which hides a candidate not approved."""
        outcomes = {model.outcome for model in self.models}
        for outcome, code in (("failed", FAILED), ("stopped", STOPPED), ("rejected", REJECTED)):
            if outcome in outcomes:
                return code
        return OK

    def to_json(self) -> dict[str, Any]:
        """The document that `--json` prints: plain types, paths as strings, figures that are not finite as null."""
        return {**jsonable(dataclasses.asdict(self)), "exit_code": self.exit_code}


def jsonable(value: Any) -> Any:
    """Converts mappings, sequences, paths and numpy scalars to what strict JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):
        return jsonable(value.item())
    return value if math.isfinite(value) else None
