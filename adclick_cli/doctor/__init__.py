"""What is wrong with a machine, a set-up or a running pipeline, and the mend for it."""
