#!/usr/bin/env bash
# What host U of compose.yaml runs: the three requests of the README, then the client.
set -euo pipefail
token=$(cat /gateway-data/api-token)
rest() { curl -fsS -X "$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' ${3:+-d "$3"} "http://10.0.2.8:8080/api/v1/$2"; }
if ! rest GET tunnels/wg0 >/dev/null 2>&1; then
  rest POST tunnels '{"name":"wg0","transport":"wireguard","layer":"ip","listenPort":51820,"addresses":["192.168.53.1/24"],"endpoint":"10.0.2.8:51820"}' >/dev/null
  peer=$(rest POST tunnels/wg0/peers '{"name":"host-u","addresses":["192.168.53.99/32"]}' | jq -r .id)
  rest POST "peers/$peer/routes" '{"prefix":"192.168.60.0/24","installOn":"client"}' >/dev/null
fi
peer=$(rest GET tunnels/wg0/peers | jq -r '.items[] | select(.name == "host-u").id')
(umask 077; rest GET "peers/$peer/config" >/tmp/host-u.conf)
exec gateway connect /tmp/host-u.conf
