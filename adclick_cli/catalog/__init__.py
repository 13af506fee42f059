"""What is declared: the events' fields, the metrics and the results; everything else derives from it."""
