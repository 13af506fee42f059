#!/usr/bin/env bash
# make-topics.sh SERVER NAME:PARTITIONS[:OPTION=VALUE]… … makes the topics that are not there, all at once.
set -u
server=$1
shift
topics() { /opt/kafka/bin/kafka-topics.sh --bootstrap-server "$server" "$@"; }

present=$(topics --list) || exit 1
making=()
for wanted in "$@"; do
    IFS=: read -r -a parts <<<"$wanted"
    grep -qxF -e "${parts[0]}" <<<"$present" && continue
    options=()
    for option in "${parts[@]:2}"; do
        options+=(--config "$option")
    done
    topics --create --if-not-exists --topic "${parts[0]}" --partitions "${parts[1]}" --replication-factor 1 "${options[@]}" &
    making+=($!)
done
failed=0
for process in "${making[@]}"; do
    wait "$process" || failed=1
done
exit "$failed"
