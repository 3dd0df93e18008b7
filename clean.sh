#!/usr/bin/env bash
# Takes away exactly what build.sh made: the node containers and their volumes, the network mynet, the images kvs-image
# and kvs-base, the local node processes with their data, and the build's files in .run/. Whatever build.sh did not make stays, whatever its
# name. Succeeds when there is nothing to remove. Images pulled from a registry stay, as other projects may use them.
set -euo pipefail
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=docker/common.sh
. "$REPO/docker/common.sh"

usage() { say "usage: ${0##*/}    stops the cluster that build.sh made and removes everything it made, data included"; }
case ${1-} in
  '') ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    usage >&2
    exit 2
    ;;
esac

left=0
remove_local_cluster
rm -rf "$PUBLISH_DIR" "$RUN_DIR/secure" "$RUN_DIR/artifacts" "$BUILD_LOG" "$RUN_DIR/.gitignore"
rmdir "$RUN_DIR" 2>/dev/null || true

if engine_answers; then
  remove_docker_cluster || left=1
  remove_docker_images || left=1
else
  say 'No Docker engine answers: only local processes and files were looked at.'
fi

if [ $left -ne 0 ]; then die "something that build.sh did not make still uses some of it (see above): that was left"; fi
say 'Clean: nothing of build.sh is left.'
