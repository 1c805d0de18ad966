#!/usr/bin/env bash
# The VPN tunneling lab as network namespaces: host U -- internet -- the gateway -- intranet -- host V.
#
#   lab.sh up              build it, start the gateway in the middle and a client on U, print what to try (an older lab goes first)
#   lab.sh start           the same without building, and without the link towards this machine
#   lab.sh down            take it away
#   lab.sh u|gw|v CMD...   run a command on that host
#   lab.sh list|run N|break WHAT|heal WHAT|reset|packets...   the experiments: gateway lab (docs/lab.md)
#   lab.sh api METHOD PATH [JSON]   ask the lab's gateway, with its token
#   lab.sh hosts           only the three hosts, nothing started
#
#   u    10.0.2.7/24         on internet, no default route
#   gw   10.0.2.8/24         on internet, 192.168.60.1/24 on intranet, forwarding on; after `up` 169.254.53.2/30 towards this machine, for the API
#   v    192.168.60.101/24   on intranet, default route via 192.168.60.1
#
# Needs root. Touches nothing but the namespaces, the link gwlab0 and the directory that it made; LAB names another set of them.
set -euo pipefail
cd "$(dirname "$0")/.."
lab=${LAB:-gateway-lab}
state=/run/$lab
config=${CONFIGURATION:-Release}
gateway=$PWD/src/Gateway/bin/$config/net10.0/Gateway
cli=$PWD/src/Gateway.Cli/bin/$config/net10.0/Gateway.Cli
api=http://127.0.0.1:8080
outside=http://169.254.53.2:8080

die() { echo "lab: $*" >&2; exit 1; }
on() { local host=$1; shift; ip netns exec "$lab-$host" "$@"; }

# until_true SECONDS WHAT CMD...: tries a command until it works.
until_true() {
  local end=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { tail -n 20 "$state"/*.log >&2 2>/dev/null || true; die "$what did not happen in time"; }
    sleep 0.1
  done
}

# rest METHOD PATH [JSON]: the token comes from a file, so that it shows in no process list.
rest() { on gw curl -sS --fail-with-body -X "$1" -H "@$state/authorization" ${3:+-H 'Content-Type: application/json' -d "$3"} "$api/api/v1/$2"; }

# Ends what a pid file names, if that is still the program it was written for.
end() {
  local file=$state/$1.pid program=$2 pid
  [ -f "$file" ] || return 0
  pid=$(cat "$file")
  if [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$(readlink -f "$program")" ]; then
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null || true
  fi
  rm -f "$file"
}

hosts() {
  local h
  for h in u gw v; do ip netns add "$lab-$h"; ip -n "$lab-$h" link set lo up; done
  ip link add eth0 netns "$lab-u" type veth peer name eth0 netns "$lab-gw"
  ip link add eth1 netns "$lab-gw" type veth peer name eth0 netns "$lab-v"
  ip -n "$lab-u" addr add 10.0.2.7/24 dev eth0;        ip -n "$lab-u" link set eth0 up
  ip -n "$lab-gw" addr add 10.0.2.8/24 dev eth0;       ip -n "$lab-gw" link set eth0 up
  ip -n "$lab-gw" addr add 192.168.60.1/24 dev eth1;   ip -n "$lab-gw" link set eth1 up
  ip -n "$lab-v" addr add 192.168.60.101/24 dev eth0;  ip -n "$lab-v" link set eth0 up
  ip -n "$lab-v" route add default via 192.168.60.1
  on gw sysctl -qw net.ipv4.ip_forward=1
}

down() {
  local h
  end client "$cli"
  for h in u gw v; do end "helper-$h" "$cli"; done
  end gateway "$gateway"
  # A namespace takes its devices with it, but not at once.
  if [ -f "$state/link" ]; then ip link del gwlab0 2>/dev/null || true; fi
  for h in u gw v; do [ ! -e "/run/netns/$lab-$h" ] || ip netns del "$lab-$h"; done
  rm -rf "$state"
}

# The link by which this machine reaches the API.
link() {
  touch "$state/link"
  ip link add gwlab0 type veth peer name host netns "$lab-gw"
  ip addr add 169.254.53.1/30 dev gwlab0
  ip link set gwlab0 up
  ip -n "$lab-gw" addr add 169.254.53.2/30 dev host
  ip -n "$lab-gw" link set host up
}

# The hosts, a helper on each, the gateway in the middle, and a client on U.
start() {
  local h
  down
  hosts
  install -d -m 0700 "$state"
  [ "${1:-}" != linked ] || link
  for h in u gw v; do
    setsid ip netns exec "$lab-$h" "$cli" lab helper "$h" "$state/$h.sock" >"$state/helper-$h.log" 2>&1 </dev/null &
    echo $! >"$state/helper-$h.pid"
  done
  Gateway__Lab=$state Gateway__DataDirectory=$state/data ASPNETCORE_URLS="$api$([ "${1:-}" != linked ] || echo ";$outside")" \
    setsid ip netns exec "$lab-gw" "$gateway" >"$state/gateway.log" 2>&1 </dev/null &
  echo $! >"$state/gateway.pid"
  until_true 30 "the gateway's start" on gw curl -fsS "$api/readyz"
  (umask 077; echo "Authorization: Bearer $(cat "$state/data/api-token")" >"$state/authorization")

  rest POST tunnels '{"name":"wg0","transport":"wireguard","layer":"ip","listenPort":51820,"addresses":["192.168.53.1/24"],"endpoint":"10.0.2.8:51820"}' >/dev/null
  peer=$(rest POST tunnels/wg0/peers '{"name":"host-u","addresses":["192.168.53.99/32"]}' | jq -r .id)
  rest POST "peers/$peer/routes" '{"prefix":"192.168.60.0/24","installOn":"client"}' >/dev/null
  (umask 077; rest GET "peers/$peer/config" >"$state/host-u.conf")

  setsid ip netns exec "$lab-u" "$cli" connect "$state/host-u.conf" >"$state/client.log" 2>&1 </dev/null &
  echo $! >"$state/client.pid"
  until_true 20 "an answer from V to U" on u ping -c 1 -W 1 192.168.60.101
  for h in u gw v; do until_true 10 "the helper on $h" test -S "$state/$h.sock"; done
}

up() {
  scripts/setup.sh test
  dotnet build src/Gateway -c "$config" -v q --nologo
  dotnet build src/Gateway.Cli -c "$config" -v q --nologo
  start linked
  cat <<END
The lab is up: U 10.0.2.7 -- gateway 10.0.2.8, 192.168.60.1 -- V 192.168.60.101; tunnel wg0 192.168.53.1, peer host-u 192.168.53.99.

  scripts/lab.sh u ping -c 3 192.168.60.101          U reaches V, through the tunnel
  scripts/lab.sh gw tcpdump -ni wg0                  the packets as the gateway decrypts them
  scripts/lab.sh gw tcpdump -ni eth0 udp port 51820  the same packets on the wire
  scripts/lab.sh run 5                               experiment 5 of nine, with the packets at six points; docs/lab.md is the course
  scripts/lab.sh list                                the others, and what can be broken
  scripts/lab.sh api GET peers/$peer | jq
  curl -X PATCH -H @$state/authorization -H 'Content-Type: application/merge-patch+json' -d '{"rpFilter":"strict"}' $outside/api/v1/interfaces/wg0
  kill \$(cat $state/client.pid)                      take U's client away, and start it again:
  scripts/lab.sh u $cli connect $state/host-u.conf

API, its description, and the experiments as a page: $outside, $outside/swagger, $outside/lab; token in $state/data/api-token; the link to make the first user is in the log
Logs: $state/gateway.log, $state/client.log.   Take it all away: make lab-down
END
}

[ "$(id -u)" -eq 0 ] || die "namespaces and devices need root: run this with sudo"
command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  up) up ;;
  start) start ;;
  down) down ;;
  hosts) down; hosts ;;
  api) rest "$@"; echo ;;
  u|gw|v) exec ip netns exec "$lab-$command" "$@" ;;
  list|show|run|break|heal|reset|packets) exec ip netns exec "$lab-gw" "$cli" lab "$command" --url "$api" --token-file "$state/data/api-token" "$@" ;;
  *) sed -n '2,11p' "$0"; exit 2 ;;
esac
