package adclick.events;

import java.util.Arrays;
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

    private static final int GAVE_UP = Plain.NONE;
    private static final int DEEPEST = 16;

    /** Digits of a number that is in a long for certain. */
    private static final int SAFE_DIGITS = 18;

    /** How many names of an event are remembered, of how many bytes each, and how often one is replaced. */
    private static final int KNOWN_NAMES = 32;
    private static final int LONGEST_KNOWN = 128;
    private static final int LESSONS = 1_000;

    private static final long[] POWERS = new long[SAFE_DIGITS + 1];

    static {
        POWERS[0] = 1;
        for (int i = 1; i < POWERS.length; i++) {
            POWERS[i] = POWERS[i - 1] * 10;
        }
    }

    /** A name as it stood in an event, from its quote to the value behind it; the events of a topic look alike. */
    private static final class Name {

        final PathNode node;
        private final byte[] bytes;

        Name(byte[] bytes, PathNode node) {
            this.bytes = bytes;
            this.node = node;
        }

        int length() {
            return bytes.length;
        }

        boolean standsAt(byte[] m, int p, int end) {
            return p + bytes.length <= end && Arrays.equals(bytes, 0, bytes.length, m, p, p + bytes.length);
        }
    }

    private final EventField[] fields;
    private final PathNode root;
    private final boolean usable;
    private final long required;
    private final Object[] defaults;
    private final Object[] values;

    /** By place in the event the name that stood there. */
    private final Name[] names = new Name[KNOWN_NAMES];

    private byte[] m;
    private MemorySegment[] segments;
    private long seen;
    private int lessons = LESSONS;

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
        final byte[] m = this.m;
        final int end = m.length;
        p = Plain.blanks(m, p);
        if (p < end && m[p] == '}') {
            return p + 1;
        }
        for (int place = 0; p < end && m[p] == '"'; place++) {
            PathNode child = null;
            Name known = node == root && place < KNOWN_NAMES ? names[place] : null;
            if (known != null && known.standsAt(m, p, end)) {
                child = known.node;
                p = Plain.blanks(m, p + known.length());
            } else {
                int quote = p;
                p = Plain.name(m, quote + 1);
                if (p < 0) {
                    return GAVE_UP;
                }
                child = node == null ? null : node.child(m, quote + 1, p);
                p = Plain.blanks(m, p + 1);
                if (p >= end || m[p] != ':') {
                    return GAVE_UP;
                }
                p = Plain.blanks(m, p + 1);
                if (node == root && place < KNOWN_NAMES && p - quote <= LONGEST_KNOWN && lessons > 0) {
                    lessons--;
                    names[place] = new Name(Arrays.copyOfRange(m, quote, p), child);
                }
            }
            if (p >= end) {
                return GAVE_UP;
            }
            p = child == null ? skip(p, depth) : wanted(p, child, depth);
            if (p < 0) {
                return GAVE_UP;
            }
            p = Plain.blanks(m, p);
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
            p = Plain.blanks(m, p + 1);
        }
        return GAVE_UP;
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
            return Plain.literal(m, p, "null");
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
        p = Plain.text(m, p);
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
        while (p < m.length && m[p] >= '0' && m[p] <= '9' && p - from <= SAFE_DIGITS) {
            unscaled = unscaled * 10 + m[p++] - '0';
        }
        int before = p - whole;
        int after = 0;
        if (before == 0 || (before > 1 && m[whole] == '0')) {
            return GAVE_UP;
        }
        if (p < m.length && m[p] == '.') {
            int point = p++;
            while (p < m.length && m[p] >= '0' && m[p] <= '9' && p - from <= SAFE_DIGITS) {
                unscaled = unscaled * 10 + m[p++] - '0';
            }
            after = p - point - 1;
            if (after == 0) {
                return GAVE_UP;
            }
        }
        boolean fits = precision <= SAFE_DIGITS && after <= scale && before <= precision - scale;
        if (!fits || before + after > SAFE_DIGITS || !Plain.ends(m, p)) {
            return GAVE_UP;
        }
        unscaled *= POWERS[scale - after];
        values[field] = DecimalData.fromUnscaledLong(negative ? -unscaled : unscaled, precision, scale);
        return p;
    }

    private int truthValue(int p, int field) {
        values[field] = m[p] == 't';
        return m[p] == 't' ? Plain.literal(m, p, "true") : Plain.literal(m, p, "false");
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
        p = m[p] == '"' ? Plain.text(m, from) : GAVE_UP;
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

    /** Reads a whole number of at most 18 digits into {@link #number}; gives up at any other. */
    private int digits(int p) {
        boolean negative = m[p] == '-';
        int from = negative ? p + 1 : p;
        long value = 0;
        p = from;
        while (p < m.length && m[p] >= '0' && m[p] <= '9' && p - from <= SAFE_DIGITS) {
            value = value * 10 + m[p++] - '0';
        }
        int count = p - from;
        if (count == 0 || count > SAFE_DIGITS || (count > 1 && m[from] == '0') || !Plain.ends(m, p)) {
            return GAVE_UP;
        }
        number = negative ? -value : value;
        return p;
    }

    /** Goes over a value that no column wants. */
    private int skip(int p, int depth) {
        switch (m[p]) {
            case '"':
                return Plain.skipText(m, p + 1);
            case '{':
                return depth < DEEPEST ? object(p + 1, null, depth + 1) : GAVE_UP;
            case '[':
                return depth < DEEPEST ? skipArray(p + 1, depth + 1) : GAVE_UP;
            case 't':
                return Plain.literal(m, p, "true");
            case 'f':
                return Plain.literal(m, p, "false");
            case 'n':
                return Plain.literal(m, p, "null");
            default:
                return Plain.skipNumber(m, p);
        }
    }

    private int skipArray(int p, int depth) {
        p = Plain.blanks(m, p);
        if (p < m.length && m[p] == ']') {
            return p + 1;
        }
        while (p < m.length) {
            p = skip(p, depth);
            if (p < 0) {
                return GAVE_UP;
            }
            p = Plain.blanks(m, p);
            if (p >= m.length) {
                return GAVE_UP;
            }
            if (m[p] == ']') {
                return p + 1;
            }
            if (m[p] != ',') {
                return GAVE_UP;
            }
            p = Plain.blanks(m, p + 1);
        }
        return GAVE_UP;
    }
}
