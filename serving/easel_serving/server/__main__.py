"""`python -m easel_serving.server DIR`: the server where only this distribution is installed."""

import argparse
import logging
import sys

from easel_serving.protocol.errors import ServingError
from easel_serving.server import RUNTIMES, main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m easel_serving.server", description=main.__doc__.splitlines()[0])
    parser.add_argument("serving_dir", help="the serving directory")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--rest-port", type=int, default=8501)
    parser.add_argument("--grpc-port", type=int, default=8500)
    parser.add_argument("--runtime", choices=RUNTIMES, default=RUNTIMES[0], help="what runs the models")
    parser.add_argument("--public-key", metavar="PEM", help="load only what the holder of this Ed25519 key signed")
    parser.add_argument("--api-key-file", metavar="FILE", help="the key that every request must bring")
    parser.add_argument("--tls-cert", metavar="PEM")
    parser.add_argument("--tls-key", metavar="PEM")
    parser.add_argument(
        "--cors-origin", dest="cors_origins", action="append", default=[], metavar="ORIGIN",
        help="whose pages may ask, too; * for any",
    )  # fmt: skip
    parser.add_argument("--request-bytes", type=int, default=argparse.SUPPRESS, help="of a request's body")
    parser.add_argument("--pixels", type=int, default=argparse.SUPPRESS, help="of all images in a request")
    parser.add_argument("--seconds", type=float, default=argparse.SUPPRESS, help="until a request is given up")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        main(**vars(parser.parse_args()))
    except ServingError as error:
        sys.exit(f"easel: {error}")
