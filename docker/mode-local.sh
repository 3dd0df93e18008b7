# shellcheck shell=bash
# Sourced by build.sh: the nodes as processes of this machine, each with a directory .run/local/nodeI for its data, its
# log and the identity of its process.

address() { printf '127.0.0.1:%s\n' "$(rest_port "$1")"; }

# 1. build, while an earlier cluster still serves   2. replace that cluster
prepare() {
  [ "$(uname -s)" = Linux ] || die 'local processes need Linux; elsewhere use Docker'
  can_publish || die 'local processes need the .NET 10 SDK to build the node'
  publish

  remove_local_cluster
  if engine_answers; then
    remove_docker_cluster || die 'the Docker cluster of an earlier run could not be removed (see above)'
  fi
  refuse_taken_ports 0 "$PEER_PORT_OFFSET"
  mkdir -p "$LOCAL_DIR"
  mv "$PUBLISH_DIR" "$LOCAL_DIR/bin"
  say "$PURPOSE" >"$LOCAL_DIR/purpose"
}

# In a session of its own and with nothing of this script's open, so that the node lives on when script and terminal end.
start() {
  local dir=$LOCAL_DIR/node$1 settings=()
  mkdir -p "$dir/data"
  if [ "$secure" = yes ]; then mapfile -t settings < <(secure_settings "$SECURE_DIR/node$1"); fi
  SOCKET_ADDRESS=$(address "$1") VIEW=$VIEW SHARD_COUNT=$shards KV_DATA_DIR=$dir/data \
    setsid env "${settings[@]}" dotnet "$LOCAL_DIR/bin/Kv.Node.dll" </dev/null >"$dir/log" 2>&1 &
  process_identity $! >"$dir/pid" || true
}

has_ended() { ! local_alive "$LOCAL_DIR/node$1" >/dev/null; }
how_to_break() { printf "kill -9 \$(cut -d ' ' -f 1 %s/node%s/pid)\n" "${LOCAL_DIR#"$REPO"/}" "$1"; }
log_tail() { tail -n 30 "$LOCAL_DIR/node$1/log"; }
