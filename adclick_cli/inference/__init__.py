"""A catalog proposed from messages of topics or rows of a log, with the evidence for each guess."""
