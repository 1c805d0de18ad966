#!/usr/bin/env bash
# Builds the container image "gateway" with docker or, where its engine is not there, buildah.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${IMAGE_TOOL:-docker}" = docker ] && command -v docker >/dev/null && docker info >/dev/null 2>&1; then
  exec docker build -t gateway .
fi
command -v buildah >/dev/null || { echo "image: neither docker nor buildah is here: apt-get install buildah" >&2; exit 1; }
export STORAGE_DRIVER=${STORAGE_DRIVER:-overlay}
# The docker format keeps the health check; chroot isolation builds inside a container too.
exec buildah bud --layers --format docker --isolation chroot --pull="${PULL:-false}" -t gateway .
