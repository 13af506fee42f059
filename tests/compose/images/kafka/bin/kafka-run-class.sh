#!/usr/bin/env bash
# shellcheck disable=SC2086  # several options in one variable, as in Kafka's own script
exec java ${KAFKA_HEAP_OPTS:--Xmx256M} ${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseSerialGC} ${KAFKA_LOG4J_OPTS:-} \
    ${KAFKA_OPTS:-} -cp "/opt/kafka/libs/*" "$@"
