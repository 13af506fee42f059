package adclick.events;

/**
 * Why a record is no event. Dead letters carry the text; who reads them may search for it, so a text stays as it is.
 *
 * <p>The same texts stand in Python, in {@code adclick_cli/events/reading.py}; a test compares both on one corpus.
 */
final class Reason {

    static final Reason NO_VALUE = new Reason("no value");
    static final Reason NOT_UTF8 = new Reason("not UTF-8");
    static final Reason NOT_JSON = new Reason("not JSON");
    static final Reason NOT_OBJECT = new Reason("not a JSON object");

    final String text;

    private Reason(String text) {
        this.text = text;
    }

    static Reason missing(EventField field) {
        return new Reason(field.label + " is missing or null");
    }

    static Reason noText(EventField field) {
        return new Reason(field.label + " is no text");
    }

    static Reason empty(EventField field) {
        return new Reason(field.label + " is empty");
    }

    static Reason bracket(EventField field) {
        return new Reason(field.label + " begins with a bracket");
    }

    static Reason tooLong(EventField field) {
        return new Reason(field.label + " is longer than " + field.longest + " characters");
    }

    static Reason noWholeNumber(EventField field) {
        return new Reason(field.label + " is no whole number");
    }

    static Reason noNumber(EventField field) {
        return new Reason(field.label + " is no number");
    }

    static Reason tooLarge(EventField field) {
        return new Reason(field.label + " is too large for DECIMAL(" + field.precision + ", " + field.scale + ")");
    }

    static Reason noTruthValue(EventField field) {
        return new Reason(field.label + " is neither true nor false");
    }

    static Reason noTime(EventField field) {
        return new Reason(field.label + " is no " + field.unit.written);
    }

    static Reason notAboveZero(EventField field) {
        return new Reason(field.label + " is not above 0");
    }

    /** The format itself failed, which no message should be able to bring about. */
    static Reason fault(RuntimeException error) {
        return new Reason("the format failed: " + error.getClass().getSimpleName());
    }
}
