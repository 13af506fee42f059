package adclick.events;

import java.io.Serializable;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;

/** One field of an event: where its value stands, what it must be, and which value of the column it becomes. */
final class EventField implements Serializable {

    private static final long serialVersionUID = 1L;

    final String name;
    final String[] path;

    /** What a reason calls the field: its path, which is what the events' sender knows. */
    final String label;

    final FieldType type;
    final boolean required;
    final int precision;
    final int scale;
    final TimeUnit unit;
    final int longest;

    /** The value where the field is missing, as it stands in the table's options; null for none. */
    private final String absent;

    EventField(
            String name,
            String[] path,
            FieldType type,
            boolean required,
            String absent,
            int precision,
            int scale,
            TimeUnit unit,
            int longest) {
        this.name = name;
        this.path = path;
        this.label = String.join(".", path);
        this.type = type;
        this.required = required;
        this.absent = absent;
        this.precision = precision;
        this.scale = scale;
        this.unit = unit;
        this.longest = longest;
    }

    /**
     * The column's value where the field is missing.
     *
     * @throws ValidationException the default in the table's options does not fit the column.
     */
    Object defaultValue() {
        if (absent == null) {
            return type == FieldType.TIME ? TimestampData.fromEpochMillis(0) : null;
        }
        Object value = value(JsonKind.TEXT, absent);
        if (value instanceof Reason) {
            throw new ValidationException("The default '" + absent + "' cannot be used: " + ((Reason) value).text);
        }
        return value;
    }

    /**
     * What a JSON value becomes.
     *
     * @param kind what stands there.
     * @param text a text without its quotes and escapes, or a number or truth value as it is written; else null.
     * @return the column's value, null for one that may be missing and is, or a {@link Reason}.
     */
    Object value(JsonKind kind, String text) {
        boolean absent = kind == JsonKind.MISSING || kind == JsonKind.NULL;
        if (!required && (absent || (kind == JsonKind.TEXT && text.isEmpty()))) {
            return null;
        }
        if (absent) {
            return Reason.missing(this);
        }
        switch (type) {
            case TEXT:
                return textValue(kind, text);
            case INTEGER:
                return integerValue(kind, text);
            case DECIMAL:
                return decimalValue(kind, text);
            case BOOLEAN:
                return booleanValue(kind, text);
            default:
                return timeValue(kind, text);
        }
    }

    private Object textValue(JsonKind kind, String text) {
        if (kind == JsonKind.CONTAINER) {
            return Reason.noText(this);
        }
        if (text.isEmpty()) {
            return Reason.empty(this);
        }
        if (text.charAt(0) == '{' || text.charAt(0) == '[') {
            return Reason.bracket(this);
        }
        boolean number = kind == JsonKind.INTEGER || kind == JsonKind.FRACTION;
        String written = number ? Numbers.text(kind, text) : text;
        if (written.length() > longest && written.codePointCount(0, written.length()) > longest) {
            return Reason.tooLong(this);
        }
        return StringData.fromString(written);
    }

    private Object integerValue(JsonKind kind, String text) {
        Long whole = kind == JsonKind.INTEGER || kind == JsonKind.TEXT ? Numbers.whole(text) : null;
        return whole == null ? Reason.noWholeNumber(this) : whole;
    }

    private Object decimalValue(JsonKind kind, String text) {
        boolean number = kind == JsonKind.INTEGER || kind == JsonKind.FRACTION || kind == JsonKind.TEXT;
        BigDecimal decimal = number ? Numbers.decimal(text) : null;
        if (decimal == null) {
            return Reason.noNumber(this);
        }
        DecimalData fitting = Numbers.toDecimal(decimal, precision, scale);
        return fitting == null ? Reason.tooLarge(this) : fitting;
    }

    private Object booleanValue(JsonKind kind, String text) {
        if (kind == JsonKind.BOOLEAN || kind == JsonKind.TEXT) {
            String word = text.trim().toLowerCase(Locale.ROOT);
            if (word.equals("true") || word.equals("false")) {
                return word.equals("true");
            }
        }
        return Reason.noTruthValue(this);
    }

    private Object timeValue(JsonKind kind, String text) {
        long millis;
        if (unit == TimeUnit.ISO8601) {
            byte[] bytes = kind == JsonKind.TEXT ? text.getBytes(StandardCharsets.UTF_8) : new byte[0];
            millis = IsoTime.millis(bytes, 0, bytes.length);
            if (millis == IsoTime.NONE) {
                return Reason.noTime(this);
            }
        } else if (kind == JsonKind.FRACTION) {
            millis = unit.toMillis(Numbers.decimal(text));
        } else {
            Long count = kind == JsonKind.INTEGER || kind == JsonKind.TEXT ? Numbers.whole(text) : null;
            if (count == null) {
                return Reason.noTime(this);
            }
            millis = unit.toMillis(count);
        }
        return millis > 0 ? TimestampData.fromEpochMillis(millis) : Reason.notAboveZero(this);
    }
}
