"""What several tests build with: events, rows, models. A test imports from here, never from another test."""
