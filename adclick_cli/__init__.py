"""adclick: ad impressions and clicks in, click-through rates, engagement and anomaly alerts out, with Flink SQL."""

__version__ = "0.1.0"
