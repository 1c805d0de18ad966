#!/usr/bin/env bash
# Makes stand-ins for the two .NET base images of the Dockerfile, for machines that cannot pull them: a minimal Debian and this machine's own .NET,
# under the same names and with the same user app (1654). The real ones are Ubuntu 24.04. Does nothing where the images are there already.
set -euo pipefail
sdk=mcr.microsoft.com/dotnet/sdk:10.0 aspnet=mcr.microsoft.com/dotnet/aspnet:10.0
have() { buildah inspect --type image "$1" >/dev/null 2>&1; }
have "$sdk" && have "$aspnet" && exit 0

command -v debootstrap >/dev/null || { apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
echo "base-image: a minimal Debian with this machine's .NET, as $sdk and $aspnet" >&2
mirror=$(sed -n 's/^URIs: //p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -1)
debootstrap --variant=minbase --include=ca-certificates,libssl3,libicu72,zlib1g bookworm "$root" ${mirror:+"$mirror"} >/dev/null
# The mirror that works here, so that the Dockerfile's own apt-get works too.
if [ -f /etc/apt/sources.list.d/debian.sources ]; then
  cp /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/"
  : >"$root/etc/apt/sources.list"
fi
# And the certificates that this machine trusts: its package mirror may have one of its own.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
mkdir -p "$root/usr/share"
cp -a "$(dirname "$(readlink -f "$(command -v dotnet)")")" "$root/usr/share/dotnet"
ln -sf /usr/share/dotnet/dotnet "$root/usr/bin/dotnet"
chroot "$root" useradd --uid 1654 --create-home app

container=$(buildah from scratch)
mount=$(buildah mount "$container")
cp -a "$root/." "$mount/"
buildah umount "$container" >/dev/null
buildah config --env DOTNET_ROOT=/usr/share/dotnet --env DOTNET_CLI_TELEMETRY_OPTOUT=1 --env ASPNETCORE_HTTP_PORTS=8080 --env APP_UID=1654 "$container"
buildah commit -q "$container" "$sdk" >/dev/null
buildah tag "$sdk" "$aspnet"
buildah rm "$container" >/dev/null
