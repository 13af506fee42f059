"""Speed, freshness and growth, measured on the cluster that is up."""
