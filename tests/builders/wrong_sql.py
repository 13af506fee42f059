"""A script that Flink refuses, and what it says of it."""

from __future__ import annotations

SCRIPT = """\
SET 'table.local-time-zone' = 'UTC';

-- A view; it is wrong.
CREATE TEMPORARY VIEW v AS
SELECT
    -- the first column
    1 AS one,
    thing
FROM (SELECT 1 AS other);
"""
UNKNOWN = "org.apache.calcite.sql.validate.SqlValidatorException: Column 'thing' not found in any table"
