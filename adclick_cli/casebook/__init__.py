"""Unit tests for the pipeline: events in order of arrival in, result rows out; on Flink and on the oracle."""
