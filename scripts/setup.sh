#!/usr/bin/env bash
# Installs by apt what is missing on a Debian or Ubuntu machine that has the .NET SDK. Silent when nothing is missing.
#
#   setup.sh run     what the gateway needs
#   setup.sh test    what the tests, the lab and the benchmark need
set -euo pipefail
what=${1:-test}
missing=()

# want COMMAND-OR-FILE PACKAGE: the package is missing unless the command or file is there.
want() {
  case $1 in
    /*) [ -e "$1" ] || missing+=("$2") ;;
    *)  PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || missing+=("$2") ;;
  esac
}

# The AEAD, X25519 and BLAKE2s are libcrypto's.
PATH=$PATH:/usr/sbin:/sbin ldconfig -p | grep -q 'libcrypto\.so\.3' || missing+=(libssl3)
# Packet filters are compiled and run by libpcap.
PATH=$PATH:/usr/sbin:/sbin ldconfig -p | grep -q 'libpcap\.so\.0\.8' || missing+=(libpcap0.8)
# NAT and MSS clamping of tunnels; explanations read the host's rules with it.
want nft nftables

if [ "$what" = test ]; then
  want ip iproute2
  want ping iputils-ping
  want wireguard-go wireguard-go
  want wg wireguard-tools
  want iperf3 iperf3
  want tcpdump tcpdump
  want tshark tshark
  want /usr/bin/python3 python3
  want /usr/lib/python3/dist-packages/scapy python3-scapy
  want telnet telnet
  want telnetd inetutils-telnetd
  want inetutils-inetd inetutils-inetd
  want ethtool ethtool
  want curl curl
  want jq jq
  want chromium chromium
  want setpriv util-linux
  want ps procps
fi

[ ${#missing[@]} -eq 0 ] && exit 0
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: ${missing[*]} missing: run this as root, or: apt-get install ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
command -v apt-get >/dev/null || { echo "setup: ${missing[*]} missing, and there is no apt-get here: install them with this system's package manager" >&2; exit 1; }
echo "setup: installing ${missing[*]}" >&2
log=$(mktemp); trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "setup: apt-get could not install ${missing[*]}" >&2
  exit 1
fi
