#!/usr/bin/env bash
# Builds the store and runs a fresh cluster of it: in Docker where an engine answers, else as local processes.
#
#   ./build.sh [--docker|--local] [--nodes N] [--shards S] [--secure]
#   ./build.sh --docker --image-only
#
# Run again, it builds anew and replaces the cluster that an earlier run made, in either mode, with its data: the new one
# starts empty. Within a cluster's life data stays: `docker stop node3`, `docker kill node3` and `docker start node3`
# bring the node back on its volume. What build.sh did not make is never touched: where a container, volume, network or
# image of a name it needs belongs to someone else, or a port is taken, it says so and stops. clean.sh takes everything
# away again. Variables named KV_* (such as KV_CLUSTER_SECRET) are handed on to every node; RUNTIME_IMAGE and SDK_IMAGE
# name other images to build from.
set -euo pipefail
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=docker/common.sh
. "$REPO/docker/common.sh"

FIRST_REST_PORT=8082
PEER_PORT_OFFSET=1000
READY_SECONDS=120
# Marks whose cluster this is, where several users of build.sh share a machine; the tests refuse to replace one that is not theirs.
PURPOSE=${KVS_PURPOSE:-cluster}

usage() {
  cat <<END
usage: ${0##*/} [--docker|--local] [--nodes N] [--shards S] [--secure]
       ${0##*/} --docker --image-only
  --docker    containers node1...nodeN on the network mynet; fails when no Docker engine answers
  --local     processes on 127.0.0.1
              default: Docker where an engine answers, else local processes
  --nodes N   1 to 64 nodes, 6 by default; REST of node1 is http://localhost:$FIRST_REST_PORT, of node2 the port after it, and so on
  --shards S  shards of the initial cluster, 2 by default (1 with fewer than four nodes)
  --secure    with TLS, certificates among the nodes and an API key, all made for this cluster and kept in .run/secure; see docs/security.md
  --image-only
              builds the image $IMAGE and starts nothing; a cluster that runs goes on
END
}

refuse_usage() {
  complain "$1"
  usage >&2
  exit 2
}

mode='' nodes=6 shards='' image_only=no secure=no
while [ $# -gt 0 ]; do
  case $1 in
    --docker | --local)
      if [ -n "$mode" ] && [ "$mode" != "${1#--}" ]; then refuse_usage '--docker and --local exclude each other'; fi
      mode=${1#--}
      ;;
    --nodes | --shards)
      [ $# -ge 2 ] || refuse_usage "$1 needs a number"
      if [ "$1" = --nodes ]; then nodes=$2; else shards=$2; fi
      shift
      ;;
    --image-only) image_only=yes ;;
    --secure) secure=yes ;;
    --nodes=*) nodes=${1#*=} ;;
    --shards=*) shards=${1#*=} ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) refuse_usage "unknown argument '$1'" ;;
  esac
  shift
done
[[ $nodes =~ ^[1-9][0-9]?$ && $nodes -le 64 ]] || refuse_usage "--nodes is a number from 1 to 64, not '$nodes'"
if [ $image_only = yes ] && [ "$mode" != docker ]; then refuse_usage '--image-only goes with --docker'; fi
if [ -z "$shards" ]; then shards=$((nodes < 4 ? 1 : 2)); fi
[[ $shards =~ ^[1-9][0-9]?$ && $shards -le $nodes ]] || refuse_usage "--shards is a number from 1 to the number of nodes, $nodes, not '$shards'"
if [ "$nodes" -gt 1 ] && [ $((nodes / shards)) -lt 2 ]; then
  complain "note: $nodes nodes in $shards shards leave a shard with a single node, without which its keys are unavailable"
fi
command -v curl >/dev/null || die 'curl is needed to see whether the nodes are ready'

scheme=http
credentials=()
if [ $secure = yes ]; then
  command -v openssl >/dev/null || die '--secure needs openssl'
  # shellcheck source=docker/secure.sh
  . "$REPO/docker/secure.sh"
  scheme=https
fi

if [ -n "$mode" ]; then
  if [ "$mode" = docker ] && ! engine_answers; then die 'no Docker engine answers: start it, or use --local'; fi
elif engine_answers; then
  mode=docker
  say 'A Docker engine answers: the nodes will be containers.'
else
  mode=local
  say 'No Docker engine answers: the nodes will be local processes.'
fi

# What both modes use. A mode defines prepare, and for node number I: address I, start I, has_ended I, log_tail I.

rest_port() { printf '%s\n' $((FIRST_REST_PORT + $1 - 1)); }
url() { printf '%s://localhost:%s\n' "$scheme" "$(rest_port "$1")"; }

# The members in the order in which GET view lists them: by address.
view() {
  local i list=''
  for ((i = 1; i <= nodes; i++)); do list+=${list:+,}$(address "$i"); done
  printf '%s\n' "$list"
}

# refuse_taken_ports OFFSET...: whether anything listens on the nodes' REST ports, each offset added.
refuse_taken_ports() {
  local i offset port
  for offset; do
    for ((i = 1; i <= nodes; i++)); do
      port=$(($(rest_port "$i") + offset))
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then die "port $port is taken by something that build.sh did not start"; fi
    done
  done
}

can_publish() {
  [ "$(uname -s)" = Linux ] && command -v dotnet >/dev/null && (cd "$REPO" && dotnet --version >/dev/null 2>&1)
}

# Intermediate files stay out of the source tree's bin and obj, so that a build or test run under way there is not disturbed.
publish() {
  say 'Building the node ...'
  rm -rf "$PUBLISH_DIR"
  if ! (cd "$REPO" && dotnet publish src/Node/Kv.Node.csproj --configuration Release --use-current-runtime --self-contained false \
    --artifacts-path "$ARTIFACTS_DIR" --output "$PUBLISH_DIR" -nodeReuse:false) >"$BUILD_LOG" 2>&1; then
    tail -n 40 "$BUILD_LOG" >&2
    die 'the build failed (see above); what was running still runs'
  fi
}

ask() { curl --silent --max-time 3 ${credentials[@]+"${credentials[@]}"} "$(url "$1")$2" 2>/dev/null; }

# A node is up when it serves its shard and sees every other one.
is_up() {
  local code seen
  code=$(curl --silent --max-time 3 ${credentials[@]+"${credentials[@]}"} --output /dev/null --write-out '%{http_code}' "$(url "$1")/readyz" 2>/dev/null) || return 1
  [ "$code" = 200 ] || return 1
  seen=$(ask "$1" /key-value-store-view) || return 1
  [[ ${seen//[[:space:]]/} == *"\"view\":\"$VIEW\""* ]]
}

wait_until_up() {
  local i deadline=$((SECONDS + READY_SECONDS)) waiting
  say "Waiting until all are ready and see each other ..."
  while true; do
    waiting=0
    for ((i = 1; i <= nodes; i++)); do
      if has_ended "$i"; then give_up "node$i ended while starting"; fi
      if [ $waiting = 0 ] && ! is_up "$i"; then waiting=$i; fi
    done
    if [ $waiting = 0 ]; then return; fi
    if [ "$SECONDS" -ge "$deadline" ]; then give_up "not all nodes were up within $READY_SECONDS s"; fi
    sleep 0.2
  done
}

give_up() {
  local i
  for ((i = 1; i <= nodes; i++)); do
    if is_up "$i"; then continue; fi
    {
      say "---- node$i: readyz: $(ask "$i" /readyz || say 'no answer'); view: $(ask "$i" /key-value-store-view || say 'no answer')"
      say "---- node$i: the end of its log"
      log_tail "$i"
    } >&2
  done
  die "$1; what was started is left to be looked at, clean.sh removes it"
}

print_cluster() {
  local i shard other=$((nodes < 3 ? nodes : 3)) curl='curl -s'
  printf '\n%-8s %-18s %-24s %s\n' NODE ADDRESS REST SHARD
  for ((i = 1; i <= nodes; i++)); do
    shard=$(ask "$i" /key-value-store-shard/node-shard-id | sed -n 's/.*"shard-id" *: *"\([^"]*\)".*/\1/p')
    printf '%-8s %-18s %-24s %s\n' "node$i" "$(address "$i")" "$(url "$i")" "${shard:-none}"
  done
  if [ $secure = yes ]; then
    curl='kv'
    say ''
    say 'Certificates, the API key and the secret of this cluster are in .run/secure. For the commands below:'
    say "  kv() { curl -s --cacert $SECURE_DIR/ca.pem -H \"Authorization: Bearer \$(cat $SECURE_DIR/admin.key)\" \"\$@\"; }"
  fi
  cat <<END

Write through node1 and keep the token, read your write through node$other, see who is there:
  token=\$($curl -X PUT $(url 1)/key-value-store/greeting -d '{"value":"hello"}' | sed 's/.*"causal-metadata":"\([^"]*\)".*/\1/')
  $curl $(url "$other")/key-value-store/greeting -H "Causal-Metadata: \$token"
  $curl $(url 1)/key-value-store-view

Watch it in a browser, and reshard there: $(url 1)/console
Break a node: $(how_to_break "$nodes")
END
}

if [ "$mode" = docker ]; then
  # shellcheck source=docker/mode-docker.sh
  . "$REPO/docker/mode-docker.sh"
else
  # shellcheck source=docker/mode-local.sh
  . "$REPO/docker/mode-local.sh"
fi

mkdir -p "$RUN_DIR"
say '*' >"$RUN_DIR/.gitignore"
if [ $image_only = yes ]; then
  prepare_image
  exit
fi
VIEW=$(view)
prepare
if [ $secure = yes ]; then make_secure; fi
say "Starting the nodes ($nodes, shards: $shards) ..."
for ((i = 1; i <= nodes; i++)); do start "$i"; done
wait_until_up
print_cluster
