#!/usr/bin/env bash
# Builds the gateway and runs it in the foreground from the top of the repository. Arguments go to the gateway.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh run
dotnet build src/Gateway -c "${CONFIGURATION:-Release}" -v q --nologo
echo "The gateway listens on http://127.0.0.1:8080 unless told otherwise; its API token is in data/api-token." >&2
gateway=src/Gateway/bin/${CONFIGURATION:-Release}/net10.0/Gateway
[ "$(id -u)" -eq 0 ] && exec "$gateway" "$@"
# Devices, addresses and routes need CAP_NET_ADMIN.
command -v sudo >/dev/null && exec sudo --preserve-env=DOTNET_ROOT,ASPNETCORE_URLS "$gateway" "$@"
exec "$gateway" "$@"
