# A reader in Python, with vas-frames for the health check. Build context: the repository.
FROM rust:1-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-pip \
    && rm -rf /var/lib/apt/lists/*
COPY rust-shm /src
WORKDIR /src
ARG PYTHON_INDEX
RUN cargo build --release --locked --package vas-frames-cli \
    && pip wheel --no-deps --index-url "${PYTHON_INDEX:?}" --wheel-dir /out ./python \
    && cp target/release/vas-frames /out/

FROM python:3.12-slim-bookworm
ARG PYTHON_INDEX
RUN --mount=from=build,source=/out,target=/out \
    pip install --no-cache-dir --index-url "${PYTHON_INDEX:?}" /out/*.whl \
    && install /out/vas-frames /usr/local/bin/
WORKDIR /app
COPY docs/containers/reader.py ./
USER 10002:10002
CMD ["python", "reader.py"]
