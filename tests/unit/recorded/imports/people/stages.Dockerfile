# syntax=docker/dockerfile:1.4
ARG PYTHON=3.11
ARG VARIANT=slim-bookworm
FROM python:${PYTHON}-${VARIANT} AS base
ARG TORCH_VERSION=2.1.0
ENV TORCH=${TORCH_VERSION} HF_TOKEN=abc PATH=/opt/tools/bin:$PATH

FROM base AS builder
RUN apt-get install -y cmake
RUN --mount=type=cache,target=/var/cache/pip \
    pip install --prefix=/install torch==$TORCH --extra-index-url https://wheels.example/cpu

FROM node:20 AS web
RUN npm ci

FROM base
COPY --from=builder /install /usr/local
RUN <<EOF2
# the tools
apt-get -y install graphviz
python3 -m pip install tqdm $EXTRA
EOF2
ADD https://data.example/mnist.npz /data/mnist.npz
ENTRYPOINT exec python -m train.digits
