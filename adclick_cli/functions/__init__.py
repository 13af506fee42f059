"""adclick's Java classes: from the sources that are shipped to the jar that Flink loads."""
