# From the raw figures of bench/run.sh to its tables: medians over the rounds, then ratios against the targets. A ratio is taken within each round, and
# the median is that of the ratios: what slows a round down slows both sides of it.

function median(list, count,    i, j, value) {
  for (i = 2; i <= count; i++) {
    value = list[i]
    for (j = i - 1; j >= 1 && list[j] > value; j--) list[j + 1] = list[j]
    list[j + 1] = value
  }
  return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

function median_of(figure, column,    list, count, round) {
  for (round = 1; round <= rounds; round++) if ((round, figure, column) in raw) list[++count] = raw[round, figure, column]
  return median(list, count)
}

function ratio_of(figure, base, column,    list, count, round) {
  for (round = 1; round <= rounds; round++)
    if ((round, figure, column) in raw && (round, base, column) in raw && raw[round, base, column] > 0)
      list[++count] = raw[round, figure, column] / raw[round, base, column]
  return median(list, count)
}

# One line of the second table; nothing when a side was not measured.
function target(what, figure, base, column, bound, limit,    value, met) {
  if (!(figure in seen) || (base != "" && !(base in seen))) return
  value = base == "" ? median_of(figure, column) : ratio_of(figure, base, column)
  met = bound == ">=" ? value >= limit : value <= limit
  if (!targets++) printf "\n%-74s %10s %10s\n", "target", "measured", "wanted"
  printf "%-74s %10.2f %7s %2s  %s\n", what, value, bound " " limit, base == "" ? "ms" : "x", met ? "met" : "missed"
}

{
  if (!($2 in seen)) { seen[$2]; order[++figures] = $2 }
  if ($1 > rounds) rounds = $1
  for (column = 3; column <= NF; column++) raw[$1, $2, column] = $column
  failed[$2] += $11
}

END {
  rate = 3; p99 = 5; cpu = 7
  printf "%-18s %10s %8s %8s %8s %12s %9s %8s %7s %7s\n", "figure", "requests/s", "p50 ms", "p99 ms", "max ms", "CPU us/req", "B/req", "GC ms/s", "errors", "others"
  for (i = 1; i <= figures; i++) {
    f = order[i]
    managed = f !~ /^etcd/
    printf "%-18s %10d %8.2f %8.2f %8.1f %12.1f %9s %8s %7d %6d%%\n", f, median_of(f, rate), median_of(f, 4), median_of(f, p99), median_of(f, 6),
      median_of(f, cpu), managed ? sprintf("%d", median_of(f, 9)) : "-", managed ? sprintf("%.1f", median_of(f, 10)) : "-", failed[f], median_of(f, 8)
  }

  target("GET, one node, against bare: throughput", "one-get", "bare-get", rate, ">=", 0.85)
  target("GET, one node, against bare: CPU", "one-get", "bare-get", cpu, "<=", 1.25)
  target("PUT, one node, against bare: throughput", "one-put", "bare-put", rate, ">=", 0.6)
  target("PUT, one node, against bare: CPU", "one-put", "bare-put", cpu, "<=", 1.8)
  target("GET, every request forwarded, against bare: throughput", "six-get-forwarded", "bare-get", rate, ">=", 0.6)
  target("PUT on three of three replicas, one shard, against bare: throughput", "three-put-all", "bare-put", rate, ">=", 0.4)
  target("PUT on three of three replicas, six nodes 2 x 3, against bare: throughput", "six-put-all", "bare-put", rate, ">=", 0.2)
  target("PUT, one node, against etcd with one: throughput", "one-put", "etcd1-put", rate, ">=", 5)
  target("PUT, three replicas, against etcd with three: throughput", "three-put", "etcd3-put", rate, ">=", 5)
  target("GET, one node, against etcd with one, serializable: throughput", "one-get", "etcd1-get", rate, ">=", 8)
  target("GET, three replicas, against etcd with three, serializable: throughput", "three-get", "etcd3-get", rate, ">=", 8)
  target("PUT p99, one node", "one-put", "", p99, "<=", 5)
  target("PUT p99, one node, against etcd with one", "one-put", "etcd1-put", p99, "<=", 1)
  target("PUT p99, three replicas, against etcd with three", "three-put", "etcd3-put", p99, "<=", 1)
}
