# shellcheck shell=bash
# What build.sh and clean.sh agree on: the names of everything a cluster is made of, how to tell our own things from
# others' of the same name, and how to take them away. Sourced, never run; the caller sets -euo pipefail and $REPO.
# shellcheck disable=SC2034 # not every caller uses every name

IMAGE=kvs-image
BASE_IMAGE=kvs-base

# Containers inherit the labels of their image, so a container that someone else starts from our image carries
# IMAGE_LABEL. RUN_LABEL is therefore put only on what a run makes: it alone says "build.sh made this container".
RUN_LABEL=kvs.project=causal-kvs
IMAGE_LABEL=kvs.image=causal-kvs
BUILD_STAGE_LABEL=kvs.stage=build

RUN_DIR=$REPO/.run
LOCAL_DIR=$RUN_DIR/local
PUBLISH_DIR=$RUN_DIR/publish
# What is compiled anew when it is gone. Of another directory's clean.sh takes nothing.
ARTIFACTS_DIR=${KVS_ARTIFACTS_DIR:-$RUN_DIR/artifacts}
BUILD_LOG=$RUN_DIR/build.log

say() { printf '%s\n' "$*"; }
complain() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
  complain "$*"
  exit 1
}

engine_answers() {
  command -v docker >/dev/null 2>&1 && docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

# ours KIND NAME: whether the Docker object exists and carries the label of this project.
ours() {
  local kind=$1 name=$2 labels=.Labels label=$RUN_LABEL
  case $kind in
    container) labels=.Config.Labels ;;
    image) labels=.Config.Labels label=$IMAGE_LABEL ;;
  esac
  [ "$(docker "$kind" inspect --format "{{index $labels \"${label%%=*}\"}}" "$name" 2>/dev/null)" = "${label#*=}" ]
}

# foreign KIND NAME: whether something of that name exists that build.sh did not make.
foreign() { docker "$1" inspect "$2" >/dev/null 2>&1 && ! ours "$1" "$2"; }

# Containers, volumes and network of earlier runs, however many nodes they had. Fails when something is still in use by others.
remove_docker_cluster() {
  local id failed=0
  for id in $(docker container ls --all --quiet --filter "label=$RUN_LABEL"); do
    remove container "$id" --force --volumes || failed=1
  done
  for id in $(docker volume ls --quiet --filter "label=$RUN_LABEL"); do
    remove volume "$id" || failed=1
  done
  for id in $(docker network ls --quiet --filter "label=$RUN_LABEL"); do
    remove network "$id" || failed=1
  done
  return $failed
}

# remove KIND NAME [OPTION...]: what is gone by itself in the meantime counts as removed.
remove() {
  local kind=$1 name=$2 refusal
  shift 2
  if refusal=$(docker "$kind" rm "$@" "$name" 2>&1 >/dev/null); then return; fi
  if docker "$kind" inspect "$name" >/dev/null 2>&1; then
    complain "$kind $name: $refusal"
    return 1
  fi
}

# Images of ours that a newer one of the name has replaced, or that an interrupted build has left.
remove_untagged_images() {
  local label failed=0
  for label; do
    docker image prune --force --filter "label=$label" >/dev/null || failed=1
  done
  return $failed
}

remove_docker_images() {
  local name failed=0
  for name in "$IMAGE" "$BASE_IMAGE"; do
    if ours image "$name"; then remove image "$name" || failed=1; fi
  done
  remove_untagged_images "$IMAGE_LABEL" "$BUILD_STAGE_LABEL" || failed=1
  return $failed
}

# A process is named by its id, its start time (ticks since boot) and the boot: an id alone is re-used, and clean.sh
# must never end a process that only inherited the number.
process_identity() {
  local pid=$1 stat fields boot
  read -r stat 2>/dev/null <"/proc/$pid/stat" || return 1
  read -ra fields <<<"${stat##*) }"
  [ "${fields[0]}" != Z ] || return 1
  read -r boot </proc/sys/kernel/random/boot_id
  printf '%s %s %s\n' "$pid" "${fields[19]}" "$boot"
}

# local_alive NODE_DIR: whether the process that build.sh started for this node still runs; prints its id.
local_alive() {
  local recorded pid
  [ -f "$1/pid" ] && read -r recorded <"$1/pid" || return 1
  pid=${recorded%% *}
  [ "$(process_identity "$pid")" = "$recorded" ] || return 1
  printf '%s\n' "$pid"
}

any_local_alive() {
  local dir
  for dir in "$LOCAL_DIR"/node*; do
    local_alive "$dir" >/dev/null && return 0
  done
  return 1
}

# Ends every node process by SIGTERM, after 10 s by SIGKILL, then removes their data and logs.
remove_local_cluster() {
  local dir pid deadline
  for dir in "$LOCAL_DIR"/node*; do
    if pid=$(local_alive "$dir"); then kill -TERM "$pid" 2>/dev/null || true; fi
  done
  deadline=$((SECONDS + 10))
  while any_local_alive && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
  for dir in "$LOCAL_DIR"/node*; do
    if pid=$(local_alive "$dir"); then
      complain "$(basename "$dir") did not stop on SIGTERM within 10 s: killed"
      kill -KILL "$pid" 2>/dev/null || true
    fi
  done
  rm -rf "$LOCAL_DIR"
}
