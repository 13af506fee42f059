package adclick.events;

import java.util.List;
import org.apache.flink.table.data.RowData;

/**
 * Takes a message apart into records, and gives a row for each: an event, or why it is none.
 *
 * <p>Records follow one another with nothing, blanks, line ends, record separators, NULs or byte order marks between
 * them. Each object is a record, and so is each element of an array at top level. What is broken ends before the next
 * record separator, or before the next line that begins with a brace; else it takes the rest of the message. A message
 * that begins with a NUL begins with five bytes of Confluent's wire format, which are left out.
 *
 * <p>Any bytes give one row or more, and none makes this class throw. The time that a message takes grows with its
 * length, also for one that was made to be slow: after {@link #MOST_BROKEN} broken records the last takes the rest.
 */
final class MessageReader {

    static final int MOST_BROKEN = 100;

    private static final byte SEPARATOR = 0x1E;
    private static final int FRAME = 5;

    private final Rows rows;
    private final FlatScanner flat;
    private final JsonReader json;

    MessageReader(EventSchema schema, Rows.Layout layout) {
        rows = new Rows(schema, layout);
        flat = new FlatScanner(schema);
        json = new JsonReader(schema, rows);
    }

    /** The rows of a message; null is a tombstone. The list is used again for the next one. */
    List<RowData> read(byte[] message) {
        rows.begin(message);
        if (message == null) {
            rows.bad(Reason.NO_VALUE, 0, 0);
            return rows.end();
        }
        try {
            records(message);
        } catch (RuntimeException error) {
            rows.keep(0);
            rows.bad(Reason.fault(error), 0, message.length);
        }
        return rows.end();
    }

    private void records(byte[] m) {
        int end = m.length;
        int p = between(m, m.length > 0 && m[0] == 0 ? Math.min(FRAME, end) : 0);
        int broken = 0;
        flat.begin(m);
        while (p < end) {
            int behind = flat.scan(p);
            if (behind >= 0) {
                rows.event(flat.values(), p, behind);
            } else {
                behind = json.read(m, p);
            }
            if (behind < 0) {
                broken++;
                behind = broken < MOST_BROKEN ? next(m, p) : end;
                int last = behind;
                while (last > p && separates(m, last - 1)) {
                    last--;
                }
                rows.bad(json.whyBroken(m, p, last), p, last);
            }
            p = between(m, behind);
        }
        if (rows.count() == 0) {
            rows.bad(Reason.NOT_JSON, 0, end);
        }
    }

    /** The first position from {@code p} on that does not lie between records. */
    private static int between(byte[] m, int p) {
        while (p < m.length) {
            if (separates(m, p)) {
                p++;
            } else if (p + 2 < m.length && m[p] == (byte) 0xEF && m[p + 1] == (byte) 0xBB && m[p + 2] == (byte) 0xBF) {
                p += 3;
            } else {
                break;
            }
        }
        return p;
    }

    private static boolean separates(byte[] m, int p) {
        byte b = m[p];
        return b == ' ' || b == '\n' || b == '\r' || b == '\t' || b == SEPARATOR || b == 0;
    }

    /** Where a broken record that begins at {@code from} ends. */
    private static int next(byte[] m, int from) {
        for (int p = from + 1; p < m.length; p++) {
            if (m[p] == SEPARATOR || (m[p] == '{' && m[p - 1] == '\n')) {
                return p;
            }
        }
        return m.length;
    }
}
