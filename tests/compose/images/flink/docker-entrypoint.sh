#!/usr/bin/env bash
# What the official image's entry point does with the variables that the Compose file sets (see docs/compose.md).
set -eu

set_options() {
    "$FLINK_HOME/bin/config-parser-utils.sh" "$FLINK_HOME/conf" "$FLINK_HOME/bin" "$FLINK_HOME/lib" "$@"
}

set_options "-Djobmanager.rpc.address=${JOB_MANAGER_RPC_ADDRESS:-$(hostname -f)}" \
    -Dblob.server.port=6124 -Dquery.server.port=6125

# One option a line; all blanks go, the first colon divides, variables are filled in.
options=()
while read -r line; do
    line=$(tr -d '[:space:]' <<<"$line")
    [ -n "$line" ] && options+=("-D${line%%:*}=$(envsubst <<<"${line#*:}")")
done <<<"${FLINK_PROPERTIES:-}"
[ "${#options[@]}" -gt 0 ] && set_options "${options[@]}"

case "${1:-help}" in
    jobmanager | taskmanager) exec "$FLINK_HOME/bin/$1.sh" start-foreground "${@:2}" ;;
    *) exec "$@" ;;
esac
