"""Which images a finding is about: a score for each, so that the worst can be named."""

import dataclasses

from tensorflow_metadata.proto.v0 import schema_pb2


@dataclasses.dataclass(frozen=True)
class Suspects:
    """Images of some classes, or with a measure outside a range."""

    feature: str
    classes: tuple[str, ...] = ()
    low: float = float("-inf")
    high: float = float("inf")

    def badness(self, value: str | float) -> float:
        """How far the feature's value is from innocent; 0 when it is."""
        if isinstance(value, str):
            return float(value in self.classes)
        return max(self.low - value, value - self.high, 0.0)


def outside(schema: schema_pb2.Schema, name: str) -> Suspects | None:
    """The images whose feature `name` is outside the schema's bounds; None for a feature without any."""
    for feature in schema.feature:
        kind = feature.WhichOneof("domain_info")
        if feature.name == name and kind in ("int_domain", "float_domain"):
            domain = getattr(feature, kind)
            bounds = {"low": "min", "high": "max"}
            return Suspects(
                name, **{side: getattr(domain, key) for side, key in bounds.items() if domain.HasField(key)}
            )
    return None
