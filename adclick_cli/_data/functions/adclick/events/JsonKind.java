package adclick.events;

/** What stands where a field's value should be. A number without point and exponent is an INTEGER, else a FRACTION. */
enum JsonKind {
    MISSING,
    NULL,
    TEXT,
    INTEGER,
    FRACTION,
    BOOLEAN,
    CONTAINER
}
