#!/usr/bin/env bash
# Measures the store against what it runs on (a bare Kestrel endpoint) and against etcd, side by side in one run.
#
#   bench/run.sh [--rounds R] [--seconds S] [--connections C] [--only PATTERN[,PATTERN...]] [--save FILE]
#
# Everything it starts listens on loopback ports of its own, runs for a bounded time, and is stopped by process id at the
# end; the data lies in a temporary directory that goes with it. Every round starts each system afresh, writes every key
# once, and measures the system's figures one after another, so that what disturbs the machine disturbs all of them.
# docs/performance.md says what the figures mean and what they were last.
set -euo pipefail
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Figures are named SYSTEM-OPERATION.
FIGURES=(
  bare-get bare-put
  one-get one-put
  three-get three-put three-put-all
  six-get six-get-forwarded six-put six-put-all
  etcd1-get etcd1-put
  etcd3-get etcd3-put
)
KEYS=100000
FORWARDED_KEYS=20000
THREADS=2
WARM_UP_SECONDS=2
READY_SECONDS=60
FIRST_PORT=21000
TICKS_PER_SECOND=$(getconf CLK_TCK)

say() { printf '%s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

usage() {
  cat <<END
usage: ${0##*/} [options]
  --rounds R        how often everything is measured; the table shows medians (3)
  --seconds S       how long each figure is measured in a round (8)
  --connections C   how many requests are under way at a time (64)
  --only PATTERNS   figures to measure, comma-separated, with * and ?; of:
                    ${FIGURES[*]}
  --data DIR        where the temporary directory with the data is made (\$TMPDIR, or /tmp); must be on a real disk
  --save FILE       also keep the raw figures of every round, as tab-separated values
END
}

rounds=3 seconds=8 connections=64 only='*' data=${TMPDIR:-/tmp} save=''
while [ $# -gt 0 ]; do
  case $1 in
    --rounds | --seconds | --connections | --only | --data | --save)
      [ $# -ge 2 ] || die "$1 needs a value"
      printf -v "${1#--}" '%s' "$2"
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift
done
[[ $rounds =~ ^[1-9][0-9]?$ ]] || die "--rounds is a number from 1 to 99, not '$rounds'"
[[ $seconds =~ ^[1-9][0-9]?$ ]] || die "--seconds is a number from 1 to 99, not '$seconds'"
[[ $connections =~ ^[1-9][0-9]{0,3}$ && $connections -ge $THREADS ]] || die "--connections is a number from $THREADS to 9999, not '$connections'"

wanted() {
  local figure=$1 pattern
  local -a patterns
  IFS=, read -ra patterns <<<"$only"
  for pattern in "${patterns[@]}"; do
    # shellcheck disable=SC2053 # the right side is a pattern
    if [[ $figure == $pattern ]]; then return 0; fi
  done
  return 1
}

figures=()
for figure in "${FIGURES[@]}"; do
  if wanted "$figure"; then figures+=("$figure"); fi
done
[ ${#figures[@]} -gt 0 ] || die "no figure matches '$only'"

command -v dotnet >/dev/null || die 'the .NET SDK is missing'
command -v curl >/dev/null || die 'curl is missing (Debian: curl)'
command -v wrk >/dev/null || die 'wrk is missing (Debian: wrk)'
if ! command -v etcd >/dev/null; then
  say 'etcd is missing (Debian: etcd-server): its figures are left out'
  for i in "${!figures[@]}"; do
    if [[ ${figures[i]} == etcd* ]]; then unset 'figures[i]'; fi
  done
  [ ${#figures[@]} -gt 0 ] || die 'nothing is left to measure'
fi

work=$(mktemp -d "$data/kv-bench.XXXXXX")
results=$work/results.tsv
servers=()
ports=()

# Asks the servers to end, waits for them, and kills what is still there after 10 s.
stop_servers() {
  local pid deadline=$((SECONDS + 10))
  for pid in "${servers[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${servers[@]}"; do
    while kill -0 "$pid" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  servers=() ports=()
  rm -rf "$work/data"
}

clean_up() {
  stop_servers
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build() {
  local project=$1 output=$2
  (cd "$REPO" && dotnet publish "$project" --configuration Release --use-current-runtime --self-contained false \
    --artifacts-path "$work/artifacts" --output "$output" -nodeReuse:false) >"$work/build.log" 2>&1 || {
    tail -n 30 "$work/build.log" >&2
    die "$project does not build"
  }
}

# ---- Systems: start_SYSTEM starts its processes into servers and ports, and returns when it answers. Loads go to the first port.

refuse_taken_port() {
  if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then die "port $1 is taken by something that this run did not start"; fi
}

# run_server PORT COMMAND...: in the background, its output in a log named by the port.
run_server() {
  local port=$1
  shift
  refuse_taken_port "$port"
  mkdir -p "$work/data/$port"
  "$@" </dev/null >"$work/data/$port.log" 2>&1 &
  servers+=($!)
  ports+=("$port")
}

# until_true WHAT COMMAND...: retries until the command succeeds, a server has ended, or the time is over.
until_true() {
  local what=$1 pid deadline=$((SECONDS + READY_SECONDS))
  shift
  until "$@"; do
    for pid in "${servers[@]}"; do
      if ! kill -0 "$pid" 2>/dev/null; then tail -n 20 "$work"/data/*.log >&2; die "$what: a server ended"; fi
    done
    if [ "$SECONDS" -ge "$deadline" ]; then tail -n 20 "$work"/data/*.log >&2; die "$what: not within $READY_SECONDS s"; fi
    sleep 0.1
  done
}

fetch() { curl --silent --fail --max-time 3 "http://127.0.0.1:$1"; }

start_bare() {
  run_server "$FIRST_PORT" "$work/bare/Kv.Bare" "$FIRST_PORT"
  until_true 'bare endpoint' fetch "$FIRST_PORT/metrics" >/dev/null
}

node_is_up() {
  fetch "$1/readyz" >/dev/null && [[ $(fetch "$1/key-value-store-view") == *"\"$2\""* ]]
}

# start_nodes COUNT SHARDS
start_nodes() {
  local i port view=''
  for ((i = 1; i <= $1; i++)); do view+=${view:+,}127.0.0.1:$((FIRST_PORT + i)); done
  for ((i = 1; i <= $1; i++)); do
    port=$((FIRST_PORT + i))
    refuse_taken_port $((port + 1000))
    run_server "$port" env SOCKET_ADDRESS="127.0.0.1:$port" VIEW="$view" SHARD_COUNT="$2" KV_DATA_DIR="$work/data/$port/kv" "$work/node/Kv.Node"
  done
  for port in "${ports[@]}"; do until_true "node on port $port" node_is_up "$port" "$view"; done
}

start_one() { start_nodes 1 1; }
start_three() { start_nodes 3 1; }
start_six() { start_nodes 6 2; }

start_etcd() {
  local i port cluster=''
  for ((i = 1; i <= $1; i++)); do cluster+=${cluster:+,}n$i=http://127.0.0.1:$((FIRST_PORT + 1020 + i)); done
  for ((i = 1; i <= $1; i++)); do
    port=$((FIRST_PORT + 20 + i))
    refuse_taken_port $((port + 1000))
    run_server "$port" etcd --name "n$i" --data-dir "$work/data/$port/etcd" --logger zap --log-level error \
      --listen-client-urls "http://127.0.0.1:$port" --advertise-client-urls "http://127.0.0.1:$port" \
      --listen-peer-urls "http://127.0.0.1:$((port + 1000))" --initial-advertise-peer-urls "http://127.0.0.1:$((port + 1000))" \
      --initial-cluster "$cluster" --initial-cluster-token bench
  done
  for port in "${ports[@]}"; do until_true "etcd on port $port" etcd_is_up "$port"; done
}

etcd_is_up() { [[ $(fetch "$1/health") == *true* ]]; }
start_etcd1() { start_etcd 1; }
start_etcd3() { start_etcd 3; }

# ---- Measuring

# Microseconds of CPU that the servers have used.
server_cpu() {
  local pid stat fields ticks=0
  for pid in "${servers[@]}"; do
    read -r stat <"/proc/$pid/stat" || die "server $pid is gone"
    read -ra fields <<<"${stat##*) }"
    ticks=$((ticks + fields[11] + fields[12]))
  done
  printf '%s\n' $((ticks * 1000000 / TICKS_PER_SECOND))
}

# Microseconds of CPU that anybody on this machine has used.
machine_cpu() {
  local -a fields
  read -ra fields </proc/stat
  printf '%s\n' $(((fields[1] + fields[2] + fields[3] + fields[6] + fields[7]) * 1000000 / TICKS_PER_SECOND))
}

# Bytes allocated and seconds paused by the garbage collector so far, summed over the servers that tell (.NET ones).
gc_totals() {
  local port
  for port in "${ports[@]}"; do fetch "$port/metrics" || true; done | awk '
    /^dotnet_gc_heap_(total_)?allocated_bytes_total/ { allocated += $NF }
    /^dotnet_gc_pause_time_seconds_total/ { paused += $NF }
    END { printf "%.0f %.6f\n", allocated, paused }'
}

# load SECONDS OPERATION [KEYS_FILE]: prints the line of load.lua, and after it the seconds of CPU that wrk itself took, user and system.
load() {
  local duration=$1 dialect=store threads=$THREADS at_a_time=$connections
  shift
  if [ "$1" = preload ]; then threads=1 at_a_time=64; fi
  if [[ $system == etcd* ]]; then dialect=etcd; fi
  local TIMEFORMAT='%U %S'
  { time timeout $((duration + 30)) wrk --threads "$threads" --connections "$at_a_time" --duration "${duration}s" --timeout 10s \
    --script "$REPO/bench/Load/load.lua" "http://127.0.0.1:${ports[0]}" -- "$dialect" "$1" "$KEYS" ${2+"$2"} >"$work/wrk.out" 2>&1; } 2>"$work/wrk.time" ||
    { cat "$work/wrk.out" >&2; die 'wrk failed'; }
  grep --quiet '^load' "$work/wrk.out" || { cat "$work/wrk.out" >&2; die 'wrk printed no figures'; }
  printf '%s %s\n' "$(grep '^load' "$work/wrk.out")" "$(cat "$work/wrk.time")"
}

# The numbers of keys that the asked node does not hold, among the first FORWARDED_KEYS. The ring is the same in every round.
list_foreign_keys() {
  local shard
  [ -s "$work/foreign" ] && return
  shard=$(fetch "${ports[0]}/key-value-store-shard/node-shard-id" | sed 's/.*"shard-id":"\([0-9]*\)".*/\1/')
  curl --silent --fail --max-time 60 --write-out '\n' \
    "http://127.0.0.1:${ports[0]}/key-value-store/bench[1000000-$((1000000 + FORWARDED_KEYS - 1))]" |
    awk -v own="\"shard-id\":\"$shard\"" '!index($0, own) { print NR - 1 }' >"$work/foreign"
  [ -s "$work/foreign" ] || die 'no key of another shard was found'
}

# measure FIGURE: warms up, measures, appends to the results:
# round, figure, requests/s, p50 ms, p99 ms, max ms, server CPU us/request, others' CPU %, bytes allocated/request, ms of GC pause/s, failed requests
measure() {
  local figure=$1 operation=${1#*-} args before_gc after_gc before_cpu after_cpu before_all after_all line
  args=("$operation")
  if [ "$operation" = get-forwarded ]; then
    list_foreign_keys
    args=(get "$work/foreign")
  fi
  load "$WARM_UP_SECONDS" "${args[@]}" >/dev/null
  before_gc=$(gc_totals)
  before_cpu=$(server_cpu) before_all=$(machine_cpu)
  line=$(load "$seconds" "${args[@]}")
  after_cpu=$(server_cpu) after_all=$(machine_cpu)
  after_gc=$(gc_totals)
  printf '%s %s %s %s %s %s %s %s\n' "$line" "$before_cpu" "$after_cpu" "$before_all" "$after_all" "$before_gc" "$after_gc" "$(nproc)" |
    awk -v round="$round" -v figure="$figure" '{
      requests = $2; seconds = $3 / 1e6; generated = ($8 + $9) * 1e6; served = $11 - $10; all = $13 - $12
      if (requests == 0) { print "no request was answered" > "/dev/stderr"; exit 1 }
      printf "%d\t%s\t%.0f\t%.3f\t%.3f\t%.1f\t%.2f\t%.0f\t%.0f\t%.2f\t%d\n", round, figure, requests / seconds, $4 / 1000, $5 / 1000, $6 / 1000,
        served / requests, (all - served - generated) / seconds / 1e4 / $18, ($16 - $14) / requests, ($17 - $15) * 1000 / seconds, $7
    }' >>"$results"
  tail -n 1 "$results" | awk '{ printf "  %-18s %8d/s  p99 %7.2f ms  %7.1f us CPU\n", $2, $3, $5, $7 }' >&2
}

preload() {
  local line
  line=$(load 90 preload)
  awk -v keys="$KEYS" '{ exit !($2 >= keys && $7 == 0) }' <<<"$line" || die "writing every key once did not succeed: $line"
}

# ---- The run

say "Building ..."
build src/Node/Kv.Node.csproj "$work/node"
if [[ " ${figures[*]}" == *' bare-'* ]]; then build bench/Load/Bare/Kv.Bare.csproj "$work/bare"; fi
rm -rf "$work/artifacts"

for ((round = 1; round <= rounds; round++)); do
  say "Round $round of $rounds"
  system=''
  for figure in "${figures[@]}"; do
    if [ "$system" != "${figure%%-*}" ]; then
      stop_servers
      system=${figure%%-*}
      "start_$system"
      preload
    fi
    measure "$figure"
  done
  stop_servers
done

commit=$(git -C "$REPO" describe --always --dirty 2>/dev/null || printf 'unknown')
processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
cat <<END
Commit $commit, $(date --utc +%Y-%m-%d), $(nproc) x ${processor:-unknown processor}, data on $(stat --file-system --format %T "$work"), .NET $(dotnet --version)
$rounds rounds of $seconds s, $connections connections, $KEYS keys; medians of the rounds.

END
awk -F '\t' -f "$REPO/bench/Load/report.awk" "$results"
if [ -n "$save" ]; then cp "$results" "$save"; fi
failed=$(awk -F '\t' '{ failed += $11 } END { print failed + 0 }' "$results")
[ "$failed" -eq 0 ] || die "$failed requests failed: the figures above are worth nothing"
