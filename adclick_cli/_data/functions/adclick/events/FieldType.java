package adclick.events;

/** What a field holds. */
enum FieldType {
    TEXT,
    INTEGER,
    DECIMAL,
    BOOLEAN,
    TIME
}
