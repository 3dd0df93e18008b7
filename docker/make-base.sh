#!/usr/bin/env bash
# Makes the image named by its argument (kvs-base) from this machine's own files, for places where no registry can be
# reached: a shell, a few coreutils, the shared libraries, and the ASP.NET runtime that runs `dotnet` here. It stands in
# for mcr.microsoft.com/dotnet/aspnet, with the same user (1654) and the same paths. Does nothing when the image is there
# and was made from the same files.
set -euo pipefail
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=docker/common.sh
. "$REPO/docker/common.sh"
PATH=$PATH:/usr/sbin:/sbin

name=${1:-$BASE_IMAGE}
[ "$(uname -s)" = Linux ] || die 'a base image can only be made from a Linux machine; let Docker reach its registry instead'
command -v dotnet >/dev/null || die 'no .NET runtime here to make a base image from; install .NET 10, or let Docker reach its registry'
if foreign image "$name"; then die "an image $name exists that build.sh did not make; rename or remove it"; fi

dotnet_root=$(dirname "$(readlink -f "$(command -v dotnet)")")
# runtime NAME: the newest 10.0 directory of a shared framework.
runtime() {
  local found
  found=$(find "$dotnet_root/shared/$1" -mindepth 1 -maxdepth 1 -name '10.0.*' 2>/dev/null | sort --version-sort | tail -n 1)
  [ -n "$found" ] || die "no $1 10.0 under $dotnet_root"
  printf '%s\n' "$found"
}
core=$(runtime Microsoft.NETCore.App)
aspnet=$(runtime Microsoft.AspNetCore.App)
host=$(find "$dotnet_root/host/fxr" -mindepth 1 -maxdepth 1 -name '10.0.*' | sort --version-sort | tail -n 1)

programs=()
for program in sh bash cat chmod chown cp env head id ls mkdir mv rm sleep tail; do
  programs+=("$(command -v "$program")")
done
# Loaded by name at run time, so no program lists them: C++ and the unwinder, TLS and hashes, name look-ups.
late=()
cache=$(ldconfig -p)
for library in libstdc++.so.6 libgcc_s.so.1 libssl.so.3 libcrypto.so.3 libresolv.so.2 libnss_dns.so.2 libnss_files.so.2; do
  found=$(awk -v name="$library" '$1 == name && /x86-64|AArch64/ { print $NF; exit }' <<<"$cache")
  if [ -n "$found" ]; then late+=("$found"); fi
done
# ldd prints "name => /path (address)" and, for the loader, "/path (address)".
mapfile -t files < <(
  printf '%s\n' "${programs[@]}" "${late[@]}"
  ldd "${programs[@]}" "${late[@]}" "$dotnet_root/dotnet" "$core"/*.so "$aspnet"/*.so 2>/dev/null |
    awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && $2 ~ /^\(/ { print $1 }' | sort -u
)

# Size and time of every file that goes in, and this script.
key=$({
  stat --dereference --format '%n %s %Y' "${files[@]}"
  printf '%s\n' "$host" "$core" "$aspnet"
  cat "${BASH_SOURCE[0]}"
} | sha256sum | cut -c 1-16)
if [ "$(docker image inspect --format '{{index .Config.Labels "kvs.base"}}' "$name" 2>/dev/null)" = "$key" ]; then
  say "Base image $name is up to date."
  exit 0
fi

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
# Where /bin and /lib are links into /usr, they are here too.
for directory in bin sbin lib lib64; do
  if [ -L "/$directory" ]; then cp --no-dereference "/$directory" "$stage/"; fi
done
mkdir -p "$stage"/usr/{bin,sbin,lib,lib64} "$stage"/etc/ssl/certs "$stage"/{proc,sys,dev,root,home/app,usr/share/dotnet/host/fxr}
mkdir -m 1777 "$stage/tmp"
for file in "${files[@]}"; do
  mkdir -p "$stage/$(dirname "$file")"
  cp --dereference --no-clobber "$file" "$stage$file"
done
if [ -e /etc/ld.so.cache ]; then cp /etc/ld.so.cache "$stage/etc/"; fi
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then cp --dereference /etc/ssl/certs/ca-certificates.crt "$stage/etc/ssl/certs/"; fi

cp "$dotnet_root/dotnet" "$stage/usr/share/dotnet/"
cp -R "$host" "$stage/usr/share/dotnet/host/fxr/"
for framework in "$core" "$aspnet"; do
  target=$stage/usr/share/dotnet/shared/$(basename "$(dirname "$framework")")
  mkdir -p "$target"
  cp -R "$framework" "$target/"
done
ln -s /usr/share/dotnet/dotnet "$stage/usr/bin/dotnet"

printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1654:1654::/home/app:/bin/sh\n' >"$stage/etc/passwd"
printf 'root:x:0:\napp:x:1654:\n' >"$stage/etc/group"
printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$stage/etc/nsswitch.conf"

tar --directory "$stage" --create --owner 0 --group 0 --numeric-owner . | docker import \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --change 'ENV APP_UID=1654 DOTNET_RUNNING_IN_CONTAINER=true ASPNETCORE_HTTP_PORTS=8080' \
  --change "LABEL $IMAGE_LABEL kvs.base=$key" \
  - "$name" >/dev/null
say "Base image $name made from this machine's .NET $(basename "$core")."
