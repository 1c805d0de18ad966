#!/bin/sh
# The container's first process. An executable that carries a capability is not even started where the container may not have it;
# the kernel's words for that are "operation not permitted", so it is said here.
bounding=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
if [ $(( 0x$bounding >> 12 & 1 )) -eq 0 ]; then
  echo "gateway: the container lacks CAP_NET_ADMIN, without which no tunnel can be made: start it with --cap-add NET_ADMIN" >&2
  exit 1
fi
if grep -q '^NoNewPrivs:[[:space:]]*1' /proc/self/status && [ "$(id -u)" -ne 0 ]; then
  echo "gateway: no-new-privileges keeps the executable from its capability: start the container without that option, or as root with --user 0" >&2
  exit 1
fi
exec /app/Gateway "$@"
