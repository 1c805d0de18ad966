#!/usr/bin/env bash
# Builds everything and runs every test project, one after the other. The last line is "N passed, N failed"; a skipped test counts as failed.
#
#   test.sh [--soak] [FILTER...]   --soak: only the explicit tests, SOAK_MINUTES (60) for each; FILTER goes to xunit, e.g. -class 'Gateway.Netns.Tests.Lab.*'
set -uo pipefail
cd "$(dirname "$0")/.."
config=${CONFIGURATION:-Release}
explicit=off
limit=840
[ "${1:-}" = --soak ] && { explicit=only; limit=21600; shift; }
passed=0 failed=0

# The last line, whatever happened before it.
finish() { echo "$passed passed, $failed failed"; [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]; exit; }
trap 'failed=$((failed + 1)); finish' INT TERM

[ "$(id -u)" -eq 0 ] || { echo "test: the network tests make namespaces and devices: run as root (sudo make test)" >&2; failed=1; finish; }
scripts/setup.sh test && dotnet build Gateway.sln -c "$config" -v q --nologo || { failed=1; finish; }

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for project in tests/*.Tests/*.csproj; do
  name=$(basename "$project" .csproj)
  echo "== $name"
  timeout --kill-after=10 "${TEST_TIMEOUT:-$limit}" dotnet exec "$(dirname "$project")/bin/$config/net10.0/$name.dll" \
    -noLogo -noColor -failSkips -explicit "$explicit" -ctrf "$results/$name.json" "$@"
  status=$?
  if [ -s "$results/$name.json" ]; then
    read -r p f < <(jq -r '.results.summary | "\(.passed) \(.failed + .skipped + .other)"' "$results/$name.json")
    passed=$((passed + p)) failed=$((failed + f))
    # A project that failed without a failed test (a fixture, a crash at the end), or in which nothing ran.
    if [ "$f" -eq 0 ] && { [ $status -ne 0 ] || { [ "$p" -eq 0 ] && [ "$explicit" = off ] && [ $# -eq 0 ]; }; }; then
      echo "$name: exit code $status, $p tests ran" >&2; failed=$((failed + 1))
    fi
  else
    echo "$name: ended with exit code $status and no results" >&2; failed=$((failed + 1))
  fi
done
finish
