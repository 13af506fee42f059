"""How good an alert rule is: alerts against the truth that the generator wrote, in a simulation or in the topics."""
