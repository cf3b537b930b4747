# Easel on Ubuntu 24.04 with the current stack, for machines that cannot run it themselves (macOS, Windows, ARM).
#
#   docker build --platform linux/amd64 -t easel .
#   docker run --rm --platform linux/amd64 --user "$(id -u):$(id -g)" -v "$PWD:/work" easel run config.yaml
#
# The folder you stand in is /work in the container. Pretrained weights that Keras downloads are kept with
# -v easel-keras:/home/easel/.keras. `easel serve` needs `-p 8501:8501 -p 8500:8500` and `--host 0.0.0.0`.
FROM ubuntu:24.04

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates make python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /easel
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv UV_LINK_MODE=copy make env STACK=current

# Anybody may be the user; Beam asks for a name, Keras and Matplotlib for a home.
RUN install --directory --mode=1777 /home/easel /home/easel/.keras
ENV PATH=/easel/.venv/bin:$PATH HOME=/home/easel USER=easel LANG=C.UTF-8
WORKDIR /work
ENTRYPOINT ["easel"]
CMD ["--help"]
