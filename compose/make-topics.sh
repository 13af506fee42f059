#!/usr/bin/env bash
# make-topics.sh SERVER NAME:PARTITIONS[:compacted] … makes the topics that are not there, all at once.
set -u
server=$1
shift
topics() { /opt/kafka/bin/kafka-topics.sh --bootstrap-server "$server" "$@"; }

present=$(topics --list) || exit 1
made=()
for wanted in "$@"; do
    IFS=: read -r name partitions kind <<<"$wanted"
    grep -qxF -e "$name" <<<"$present" && continue
    # Kafka's retention goes by a record's own timestamp, and replayed events are old from the start.
    options=(--config retention.ms=-1)
    # "delete" beside "compact": only then may the topic be emptied.
    [ "$kind" = compacted ] && options+=(--config cleanup.policy=compact,delete)
    topics --create --if-not-exists --topic "$name" --partitions "$partitions" --replication-factor 1 "${options[@]}" &
    made+=($!)
done
failed=0
for process in "${made[@]}"; do
    wait "$process" || failed=1
done
exit "$failed"
