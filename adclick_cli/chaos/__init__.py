"""Faults on purpose, and the proof that no row was lost or repeated."""
