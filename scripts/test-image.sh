#!/usr/bin/env bash
# Builds the image and starts it for real in the middle of the lab's hosts, with the options of the README: traffic must pass, the health check
# must be good, a restart must keep everything, and what is missing must be named. With buildah and podman, as those can join a namespace.
set -euo pipefail
cd "$(dirname "$0")/.."
export LAB=gateway-image-lab STORAGE_DRIVER=${STORAGE_DRIVER:-overlay}
config=${CONFIGURATION:-Release}
[ "$(id -u)" -eq 0 ] || { echo "test-image: namespaces need root: run this with sudo" >&2; exit 1; }
scripts/setup.sh test
command -v buildah >/dev/null && command -v podman >/dev/null && command -v runc >/dev/null || {
  echo "test-image: installing buildah podman runc" >&2
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah podman runc >/dev/null
}

# The base images: those here, else the real ones, else stand-ins.
for base in mcr.microsoft.com/dotnet/sdk:10.0 mcr.microsoft.com/dotnet/aspnet:10.0; do
  buildah inspect --type image "$base" >/dev/null 2>&1 || timeout 300 buildah pull -q "$base" >/dev/null 2>&1 || scripts/base-image.sh
done
IMAGE_TOOL=buildah PULL=never scripts/image.sh >/dev/null
echo "image: $(buildah images --format '{{.Size}}' localhost/gateway)"

state=$(mktemp -d)
# crun refuses some machines' cgroups; podman's own networks need helpers, a namespace does not.
podman=(podman --runtime runc --cgroup-manager cgroupfs)
limits=(--ulimit nofile=1024:1024 --ulimit nproc=4096:4096)
# Most hosts have /dev/net/tun for everybody (0666), some for root only: the test brings one of each.
mknod -m 0666 "$state/tun" c 10 200
mknod -m 0600 "$state/tun-root-only" c 10 200
options=(--cap-drop ALL --cap-add NET_ADMIN --device "$state/tun:/dev/net/tun" --read-only --read-only-tmpfs=false --tmpfs /run/wireguard:mode=1777)
cleanup() {
  "${podman[@]}" rm -f --ignore -t 2 gateway-image-test gateway-image-client >/dev/null 2>&1 || true
  scripts/lab.sh down
  rm -rf "$state"
}
trap cleanup EXIT
trap '"${podman[@]}" logs gateway-image-test >&2 || true' ERR
fail() { echo "test-image: $*" >&2; "${podman[@]}" logs gateway-image-test >&2 || true; "${podman[@]}" logs gateway-image-client >&2 || true; exit 1; }
until_true() { local end=$((SECONDS + $1)) what=$2; shift 2; until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || fail "$what did not happen in time"; sleep 0.2; done; }
in_gw() { ip netns exec "$LAB-gw" "$@"; }
rest() { in_gw curl -sS --fail-with-body -o "$state/answer" -X "$1" -H "@$state/authorization" ${3:+-H 'Content-Type: application/json' -d "$3"} "http://127.0.0.1:8080/api/v1/$2" || { cat "$state/answer" >&2; return 1; }; cat "$state/answer"; }

"${podman[@]}" rm -f --ignore -t 2 gateway-image-test gateway-image-client >/dev/null
scripts/lab.sh hosts
install -d -m 0700 -o 1654 -g 1654 "$state/data"
chmod 0711 "$state"
"${podman[@]}" run -d --name gateway-image-test "${limits[@]}" --network "ns:/run/netns/$LAB-gw" "${options[@]}" -v "$state/data:/data" localhost/gateway >/dev/null 2>"$state/podman.log" || { cat "$state/podman.log" >&2; fail "the container was not started"; }
until_true 30 "the container's start" in_gw curl -fsS http://127.0.0.1:8080/readyz
echo "Authorization: Bearer $(cat "$state/data/api-token")" >"$state/authorization"

rest POST tunnels '{"name":"wg0","listenPort":51820,"addresses":["192.168.53.1/24"],"endpoint":"10.0.2.8:51820"}' >/dev/null
peer=$(rest POST tunnels/wg0/peers '{"name":"host-u","addresses":["192.168.53.99/32"]}' | jq -r .id)
rest POST "peers/$peer/routes" '{"prefix":"192.168.60.0/24","installOn":"client"}' >/dev/null
rest GET "peers/$peer/config" >"$state/host-u.conf"
"${podman[@]}" run -d --name gateway-image-client "${limits[@]}" --network "ns:/run/netns/$LAB-u" "${options[@]}" \
  -v "$state/host-u.conf:/host-u.conf:ro" --entrypoint gateway localhost/gateway connect /host-u.conf >/dev/null 2>>"$state/podman.log" || { cat "$state/podman.log" >&2; fail "the client was not started"; }
reaches() { ip netns exec "$LAB-u" ping -n -c 1 -W 1 192.168.60.101; }
until_true 20 "an answer from V to U" reaches
ip netns exec "$LAB-u" ping -n -c 10 -i 0.1 -W 1 192.168.60.101 | grep ' 0% packet loss' || fail "pings were lost"
# NAT: nft is run by the user app too.
ip netns exec "$LAB-v" ip route del default
reaches && fail "V answers without a way back"
rest PATCH tunnels/wg0 '{"nat":[{"prefix":"0.0.0.0/0","to":"masquerade"}],"clampMss":true}' | jq -e '.problems == []' >/dev/null || fail "nft refused: $(jq .problems "$state/answer")"
until_true 20 "an answer from V without a way back, to the gateway's own address" reaches

[ "$("${podman[@]}" top gateway-image-test user | tail -1)" = app ] || fail "the container does not run as the user app"
"${podman[@]}" healthcheck run gateway-image-test >/dev/null || fail "the health check fails"

"${podman[@]}" restart -t 10 gateway-image-test >/dev/null 2>>"$state/podman.log"
until_true 30 "the restart" in_gw curl -fsS http://127.0.0.1:8080/readyz
until_true 20 "an answer from V to U after the restart" reaches

# What a container may lack, each with its sentence.
"${podman[@]}" stop -t 10 gateway-image-test >/dev/null
says() {
  local expected=$1 out; shift
  if out=$("${podman[@]}" run --rm "${limits[@]}" --network "ns:/run/netns/$LAB-gw" "$@" localhost/gateway 2>&1); then fail "started without $expected"; fi
  grep -q -- "$expected" <<<"$out" || fail "does not name $expected: $out"
  echo "without it: $(grep -m1 -- "$expected" <<<"$out")"
}
says CAP_NET_ADMIN --cap-drop ALL --device "$state/tun:/dev/net/tun"
says /dev/net/tun --cap-drop ALL --cap-add NET_ADMIN
says "chmod 0666 /dev/net/tun" --cap-drop ALL --cap-add NET_ADMIN --device "$state/tun-root-only:/dev/net/tun"
says /data --cap-drop ALL --cap-add NET_ADMIN --device "$state/tun:/dev/net/tun" --read-only --tmpfs /data:ro
echo "test-image: passed"
