# shellcheck shell=bash
# Sourced by build.sh: the nodes as containers node1...nodeN on a network of their own, each on a volume of its own.

NETWORK=mynet
SUBNET=10.10.0.0/16
GATEWAY=10.10.0.1
SDK_IMAGE=${SDK_IMAGE:-mcr.microsoft.com/dotnet/sdk:10.0}
RUNTIME_IMAGE=${RUNTIME_IMAGE:-mcr.microsoft.com/dotnet/aspnet:10.0}

address() { printf '10.10.0.%s:8080\n' $(($1 + 1)); }

# 1. refuse what is not ours   2. build, while an earlier cluster still serves   3. replace that cluster
prepare() {
  refuse_foreign

  build_image

  remove_local_cluster
  remove_docker_cluster || die 'the cluster of an earlier run could not be removed (see above)'
  remove_untagged_images "$IMAGE_LABEL" || true
  refuse_taken_ports 0
  note_taken_addresses
  docker network create --driver bridge --subnet "$SUBNET" --gateway "$GATEWAY" --label "$RUN_LABEL" "$NETWORK" >/dev/null ||
    die "the network $NETWORK ($SUBNET) could not be made (see above): does another network use these addresses?"
}

prepare_image() {
  if foreign image "$IMAGE"; then die "an image $IMAGE exists that build.sh did not make; rename or remove it"; fi
  build_image
}

start() {
  local name settings=(--env "SOCKET_ADDRESS=$(address "$1")" --env "VIEW=$VIEW" --env "SHARD_COUNT=$shards")
  while read -r name; do settings+=(--env "$name"); done < <(compgen -e | grep '^KV_' | grep -vx KV_DATA_DIR)
  if [ "$secure" = yes ]; then
    while read -r name; do settings+=(--env "$name"); done < <(secure_settings /secure)
  fi
  docker volume create --label "$RUN_LABEL" "kvs-node$1-data" >/dev/null
  docker create --name "node$1" --hostname "node$1" --label "$RUN_LABEL" --label "kvs.purpose=$PURPOSE" \
    --network "$NETWORK" --ip "10.10.0.$(($1 + 1))" --publish "127.0.0.1:$(rest_port "$1"):8080" \
    --volume "kvs-node$1-data:/data" --cap-drop ALL --security-opt no-new-privileges "${settings[@]}" "$IMAGE" >/dev/null
  # Copied and not mounted: the engine may be on another machine.
  if [ "$secure" = yes ]; then docker cp "$SECURE_DIR/node$1/." "node$1:/secure" >/dev/null; fi
  docker start "node$1" >/dev/null
}

has_ended() { [ "$(docker container inspect --format '{{.State.Running}}' "node$1" 2>/dev/null)" != true ]; }
how_to_break() { printf 'docker kill node%s; and have it back: docker start node%s\n' "$1" "$1"; }
log_tail() { docker logs --tail 30 "node$1" 2>&1; }

# The engine does not mind, but what is sent to the nodes then leaves by the other interface. A note and no refusal: an engine in a machine of its own is not concerned.
note_taken_addresses() {
  local taken
  taken=$(PATH=$PATH:/usr/sbin:/sbin ip -4 route show root "$SUBNET" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' | sort -u | tr '\n' ' ') || return 0
  if [ -n "$taken" ]; then
    complain "note: this machine has a route into $SUBNET, the network of the nodes, by ${taken% }: they may be out of reach (a VPN, or the bridge of an engine that was ended by force: ip link delete)"
  fi
}

refuse_foreign() {
  local i
  for ((i = 1; i <= nodes; i++)); do
    if foreign container "node$i"; then die "a container node$i exists that build.sh did not make; rename or remove it"; fi
    if foreign volume "kvs-node$i-data"; then die "a volume kvs-node$i-data exists that build.sh did not make; remove it"; fi
  done
  if foreign network "$NETWORK"; then die "a network $NETWORK exists that build.sh did not make; remove it"; fi
  if foreign image "$IMAGE"; then die "an image $IMAGE exists that build.sh did not make; rename or remove it"; fi
}

# Where this machine has the SDK the node is published here, which is faster, and the image only takes it over. Else it
# is built inside the official SDK image. The runtime image is the official one, or stands in for it.
build_image() {
  local published='' runtime=$RUNTIME_IMAGE sdk=$SDK_IMAGE
  if can_publish; then
    publish
    published=${PUBLISH_DIR#"$REPO"/}
  fi
  if ! have_image "$runtime"; then
    say "$runtime is neither here nor to be had from its registry: using a base image made from this machine's own .NET."
    "$REPO/docker/make-base.sh" "$BASE_IMAGE"
    runtime=$BASE_IMAGE
  fi
  if [ -n "$published" ]; then
    sdk=$runtime
  elif ! have_image "$sdk"; then
    die "to build the node, either this machine needs the .NET 10 SDK or Docker must be able to pull $sdk"
  fi
  say "Building the image $IMAGE ..."
  if ! docker build --file "$REPO/docker/Dockerfile" --tag "$IMAGE" --build-arg "SDK_IMAGE=$sdk" \
    --build-arg "RUNTIME_IMAGE=$runtime" --build-arg "PUBLISHED=$published" "$REPO" >"$BUILD_LOG" 2>&1; then
    tail -n 40 "$BUILD_LOG" >&2
    die 'the image could not be built (see above)'
  fi
  # A build stage that only carried the published files is no cache worth keeping.
  if [ -n "$published" ]; then remove_untagged_images "$BUILD_STAGE_LABEL"; fi
}

# have_image NAME: it is here, or can be pulled. A registry that has not begun to answer within 10 s counts as out of
# reach; once it does, the download may take as long as it takes.
have_image() {
  local image=$1 pid waited=0
  if docker image inspect "$image" >/dev/null 2>&1; then return 0; fi
  docker pull "$image" >"$BUILD_LOG" 2>&1 &
  pid=$!
  while kill -0 $pid 2>/dev/null; do
    if grep -q 'Pulling from' "$BUILD_LOG"; then
      say "Pulling $image ..."
      break
    fi
    if [ $waited -ge 50 ]; then
      kill $pid 2>/dev/null || true
      break
    fi
    sleep 0.2
    waited=$((waited + 1))
  done
  wait $pid
}
