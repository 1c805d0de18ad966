#!/usr/bin/env bash
# The figures. Arguments go to tests/Gateway.Benchmarks.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test
dotnet build Gateway.sln -c Release -v q --nologo
exec dotnet exec tests/Gateway.Benchmarks/bin/Release/net10.0/Gateway.Benchmarks.dll "$@"
