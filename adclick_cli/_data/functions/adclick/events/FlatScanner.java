package adclick.events;

import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.core.memory.MemorySegmentFactory;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryStringData;

/**
 * Reads an event that is written in the usual way, in one pass over its bytes.
 *
 * <p>A text of the row is a view of the message's bytes; nothing is copied or decoded. Whatever is unusual makes the
 * scanner give up: an escape in a text of the row, a wanted name that stands twice, a field that is missing. {@link
 * JsonReader} then reads the record from its beginning. So the scanner decides nothing of its own: what it takes for an
 * event is one by the rules of {@link EventField}, with the same values.
 */
final class FlatScanner {

    private static final int GAVE_UP = -1;
    private static final int LONGEST_PLAIN_NAME = 1_000;
    private static final int DEEPEST = 16;

    /** Digits of a number that is in a long for certain. */
    private static final int SAFE_DIGITS = 18;

    private static final long[] POWERS = new long[SAFE_DIGITS + 1];

    static {
        POWERS[0] = 1;
        for (int i = 1; i < POWERS.length; i++) {
            POWERS[i] = POWERS[i - 1] * 10;
        }
    }

    private final EventField[] fields;
    private final PathNode root;
    private final boolean usable;
    private final long required;
    private final Object[] defaults;
    private final Object[] values;

    private byte[] m;
    private int end;
    private MemorySegment[] segments;
    private long seen;

    /** What {@link #digits} has read. */
    private long number;

    FlatScanner(EventSchema schema) {
        fields = schema.fields.toArray(new EventField[0]);
        root = PathNode.of(schema.fields);
        usable = root.hasBits();
        required = root.bits(field -> fields[field].required);
        defaults = schema.defaults();
        values = new Object[fields.length];
    }

    /** Makes this the message that is read from now on. */
    void begin(byte[] message) {
        m = message;
        end = message.length;
        segments = null;
    }

    /** The values of the event that was read last, by field. */
    Object[] values() {
        return values;
    }

    /**
     * Reads the event that begins at {@code from}.
     *
     * @return the position behind it; -1 where it is not written in the usual way.
     */
    int scan(int from) {
        if (!usable || m[from] != '{') {
            return GAVE_UP;
        }
        seen = 0;
        System.arraycopy(defaults, 0, values, 0, values.length);
        int behind = object(from + 1, root, 1);
        return (seen & required) == required ? behind : GAVE_UP;
    }

    /** Reads an object from behind its brace; {@code node} is null where nothing in it is wanted. */
    private int object(int p, PathNode node, int depth) {
        p = blanks(p);
        if (p < end && m[p] == '}') {
            return p + 1;
        }
        while (p < end && m[p] == '"') {
            int name = p + 1;
            p = name;
            // A name beyond ASCII or with an escape is left to Jackson.
            while (p < end && m[p] != '"') {
                if (m[p] < 0 || m[p] == '\\') {
                    return GAVE_UP;
                }
                p++;
            }
            if (p - name > LONGEST_PLAIN_NAME) {
                return GAVE_UP;
            }
            PathNode child = node == null || p >= end ? null : node.child(m, name, p);
            p = blanks(p + 1);
            if (p >= end || m[p] != ':') {
                return GAVE_UP;
            }
            p = blanks(p + 1);
            if (p >= end) {
                return GAVE_UP;
            }
            p = child == null ? skip(p, depth) : wanted(p, child, depth);
            if (p < 0) {
                return GAVE_UP;
            }
            p = blanks(p);
            if (p >= end) {
                return GAVE_UP;
            }
            byte next = m[p];
            if (next == '}') {
                return p + 1;
            }
            if (next != ',') {
                return GAVE_UP;
            }
            p = blanks(p + 1);
        }
        return GAVE_UP;
    }

    private int blanks(int p) {
        while (p < end && (m[p] == ' ' || m[p] == '\n' || m[p] == '\r' || m[p] == '\t')) {
            p++;
        }
        return p;
    }

    private int wanted(int p, PathNode node, int depth) {
        if ((seen & node.bit) != 0) {
            return GAVE_UP;
        }
        seen |= node.bit;
        if (node.field < 0) {
            return m[p] == '{' ? object(p + 1, node, depth + 1) : GAVE_UP;
        }
        EventField field = fields[node.field];
        if (m[p] == 'n' && !field.required) {
            return literal(p, "null");
        }
        switch (field.type) {
            case TEXT:
                return m[p] == '"' ? text(p + 1, node.field) : numberAsText(p, node.field);
            case INTEGER:
                return integer(p, node.field);
            case DECIMAL:
                return decimal(p, node.field);
            case BOOLEAN:
                return truthValue(p, node.field);
            default:
                return field.unit == TimeUnit.ISO8601 ? isoTime(p, node.field) : time(p, node.field);
        }
    }

    private int text(int p, int field) {
        int from = p;
        p = plain(p);
        // Bytes are at least as many as characters.
        if (p < 0 || p == from || p - from > fields[field].longest || m[from] == '{' || m[from] == '[') {
            return GAVE_UP;
        }
        values[field] = view(from, p);
        return p + 1;
    }

    private int numberAsText(int p, int field) {
        int from = p;
        p = digits(p);
        if (p < 0 || p - from > fields[field].longest || (m[from] == '-' && m[from + 1] == '0')) {
            return GAVE_UP;
        }
        values[field] = view(from, p);
        return p;
    }

    private int integer(int p, int field) {
        p = digits(p);
        if (p >= 0) {
            values[field] = number;
        }
        return p;
    }

    private int decimal(int p, int field) {
        int from = p;
        int precision = fields[field].precision;
        int scale = fields[field].scale;
        boolean negative = m[p] == '-';
        long unscaled = 0;
        int whole = negative ? p + 1 : p;
        p = whole;
        while (p < end && m[p] >= '0' && m[p] <= '9' && p - from <= SAFE_DIGITS) {
            unscaled = unscaled * 10 + m[p++] - '0';
        }
        int before = p - whole;
        int after = 0;
        if (before == 0 || (before > 1 && m[whole] == '0')) {
            return GAVE_UP;
        }
        if (p < end && m[p] == '.') {
            int point = p++;
            while (p < end && m[p] >= '0' && m[p] <= '9' && p - from <= SAFE_DIGITS) {
                unscaled = unscaled * 10 + m[p++] - '0';
            }
            after = p - point - 1;
            if (after == 0) {
                return GAVE_UP;
            }
        }
        boolean fits = precision <= SAFE_DIGITS && after <= scale && before <= precision - scale;
        if (!fits || before + after > SAFE_DIGITS || !ends(p)) {
            return GAVE_UP;
        }
        unscaled *= POWERS[scale - after];
        values[field] = DecimalData.fromUnscaledLong(negative ? -unscaled : unscaled, precision, scale);
        return p;
    }

    private int truthValue(int p, int field) {
        values[field] = m[p] == 't';
        return m[p] == 't' ? literal(p, "true") : literal(p, "false");
    }

    private int time(int p, int field) {
        p = digits(p);
        if (p < 0) {
            return GAVE_UP;
        }
        long millis = fields[field].unit.toMillis(number);
        if (millis <= 0) {
            return GAVE_UP;
        }
        values[field] = TimestampData.fromEpochMillis(millis);
        return p;
    }

    private int isoTime(int p, int field) {
        int from = p + 1;
        p = m[p] == '"' ? plain(from) : GAVE_UP;
        if (p < 0) {
            return GAVE_UP;
        }
        long millis = IsoTime.millis(m, from, p);
        if (millis == IsoTime.NONE || millis <= 0) {
            return GAVE_UP;
        }
        values[field] = TimestampData.fromEpochMillis(millis);
        return p + 1;
    }

    private BinaryStringData view(int from, int to) {
        if (segments == null) {
            segments = new MemorySegment[] {MemorySegmentFactory.wrap(m)};
        }
        return BinaryStringData.fromAddress(segments, from, to - from);
    }

    /** Goes from behind a quote to the quote that ends the text; gives up at an escape. */
    private int plain(int p) {
        while (p < end) {
            byte b = m[p];
            if (b == '"') {
                return p;
            }
            if (b == '\\') {
                return GAVE_UP;
            }
            int length = b >= 0 ? 1 : Utf8.length(m, p, end);
            if (length == 0) {
                return GAVE_UP;
            }
            p += length;
        }
        return GAVE_UP;
    }

    /** Reads a whole number of at most 18 digits into {@link #number}; gives up at any other. */
    private int digits(int p) {
        boolean negative = m[p] == '-';
        int from = negative ? p + 1 : p;
        long value = 0;
        p = from;
        while (p < end && m[p] >= '0' && m[p] <= '9' && p - from <= SAFE_DIGITS) {
            value = value * 10 + m[p++] - '0';
        }
        int count = p - from;
        if (count == 0 || count > SAFE_DIGITS || (count > 1 && m[from] == '0') || !ends(p)) {
            return GAVE_UP;
        }
        number = negative ? -value : value;
        return p;
    }

    /** Whether a value may end before {@code p}. */
    private boolean ends(int p) {
        if (p >= end) {
            return false;
        }
        byte b = m[p];
        return b == ',' || b == '}' || b == ' ' || b == '\n' || b == '\r' || b == '\t';
    }

    private int literal(int p, String word) {
        int length = word.length();
        if (p + length > end) {
            return GAVE_UP;
        }
        for (int i = 0; i < length; i++) {
            if (m[p + i] != word.charAt(i)) {
                return GAVE_UP;
            }
        }
        return p + length;
    }

    /** Goes over a value that no column wants. */
    private int skip(int p, int depth) {
        switch (m[p]) {
            case '"':
                return skipText(p + 1);
            case '{':
                return depth < DEEPEST ? object(p + 1, null, depth + 1) : GAVE_UP;
            case '[':
                return depth < DEEPEST ? skipArray(p + 1, depth + 1) : GAVE_UP;
            case 't':
                return literal(p, "true");
            case 'f':
                return literal(p, "false");
            case 'n':
                return literal(p, "null");
            default:
                return skipNumber(p);
        }
    }

    private int skipArray(int p, int depth) {
        p = blanks(p);
        if (p < end && m[p] == ']') {
            return p + 1;
        }
        while (p < end) {
            p = skip(p, depth);
            if (p < 0) {
                return GAVE_UP;
            }
            p = blanks(p);
            if (p >= end) {
                return GAVE_UP;
            }
            if (m[p] == ']') {
                return p + 1;
            }
            if (m[p] != ',') {
                return GAVE_UP;
            }
            p = blanks(p + 1);
        }
        return GAVE_UP;
    }

    private int skipText(int p) {
        while (p < end) {
            byte b = m[p];
            if (b == '"') {
                return p + 1;
            }
            if (b == '\\') {
                p = skipEscape(p + 1);
                if (p < 0) {
                    return GAVE_UP;
                }
                continue;
            }
            int length = b >= 0 ? 1 : Utf8.length(m, p, end);
            if (length == 0) {
                return GAVE_UP;
            }
            p += length;
        }
        return GAVE_UP;
    }

    private int skipEscape(int p) {
        if (p >= end) {
            return GAVE_UP;
        }
        if (m[p] != 'u') {
            return "\"\\/bfnrt".indexOf(m[p]) >= 0 ? p + 1 : GAVE_UP;
        }
        if (p + 4 >= end) {
            return GAVE_UP;
        }
        for (int i = p + 1; i <= p + 4; i++) {
            if (m[i] < 0 || Character.digit((char) m[i], 16) < 0) {
                return GAVE_UP;
            }
        }
        return p + 5;
    }

    private int skipNumber(int p) {
        int from = p;
        if (m[p] == '-') {
            p++;
        }
        int whole = p;
        p = skipDigits(p);
        if (p == whole || (p - whole > 1 && m[whole] == '0')) {
            return GAVE_UP;
        }
        if (p < end && m[p] == '.') {
            int point = p + 1;
            p = skipDigits(point);
            if (p == point) {
                return GAVE_UP;
            }
        }
        if (p < end && (m[p] == 'e' || m[p] == 'E')) {
            int exponent = p + 1;
            if (exponent < end && (m[exponent] == '+' || m[exponent] == '-')) {
                exponent++;
            }
            p = skipDigits(exponent);
            if (p == exponent) {
                return GAVE_UP;
            }
        }
        return p - from <= Numbers.LONGEST ? p : GAVE_UP;
    }

    private int skipDigits(int p) {
        while (p < end && m[p] >= '0' && m[p] <= '9') {
            p++;
        }
        return p;
    }
}
