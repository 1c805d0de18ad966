#!/usr/bin/env bash
# The figures: side by side with wireguard-go in namespaces (needs root), the API with thousands of peers, then BenchmarkDotNet.
# Arguments choose: `tunnel …`, `api …` or `micro …`.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test
dotnet build Gateway.sln -c Release -v q --nologo
benchmarks=(dotnet exec tests/Gateway.Benchmarks/bin/Release/net10.0/Gateway.Benchmarks.dll)
[ $# -gt 0 ] && exec "${benchmarks[@]}" "$@"
"${benchmarks[@]}" tunnel
"${benchmarks[@]}" api
exec "${benchmarks[@]}" micro
