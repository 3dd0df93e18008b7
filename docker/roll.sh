#!/usr/bin/env bash
# Updates a stack made of docker/stack.yaml, one node after another: each is drained, replaced, and ready again before the next one's turn.
#
#   docker/roll.sh STACK [IMAGE [SERVICE...]]      without an image, or with '', each node is only started again; without services, all of the stack
set -euo pipefail
if [ $# -lt 1 ]; then
  echo "usage: ${0##*/} STACK [IMAGE [SERVICE...]]" >&2
  exit 2
fi
stack=$1
image=${2:-}
if [ $# -gt 2 ]; then
  services=("${@:3}")
else
  mapfile -t services < <(docker stack services --format '{{.Name}}' "$stack" | sort)
fi
if [ ${#services[@]} -eq 0 ]; then
  echo "no stack $stack" >&2
  exit 1
fi
for service in "${services[@]}"; do
  echo "$service ..."
  # Waits until the new task is healthy, which is to be ready, and has stayed so for the update's monitoring time.
  docker service update --quiet --force ${image:+--image "$image"} "$service" >/dev/null
  state=$(docker service inspect --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}' "$service")
  if [ "$state" != completed ]; then
    echo "$service: the update is $state; the others were not touched" >&2
    exit 1
  fi
done
