"""What a running TensorFlow Serving is spoken to with."""

from typing import Annotated

from pydantic import Field, model_validator

from trainer.base.options import Options

File = Annotated[str, Field(min_length=1)]


class TlsOptions(Options):
    """Certificates (PEM files) for a `serving_address` that begins with `grpcs://`."""

    ca: File | None = None
    """The authority to trust; gRPC's own ones when there is none."""
    cert: File | None = None
    """The certificate to show a server that asks for one."""
    key: File | None = None
    """Its private key."""

    @model_validator(mode="after")
    def _whole(self) -> "TlsOptions":
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key are needed together")
        return self
