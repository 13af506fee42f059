package adclick;

import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.binary.BinaryStringData;

/** Takes an event out of a row of Flink. What was read stays until the next row. */
final class AttributionColumns {
    long time;
    final AttributionHash id = new AttributionHash();
    /** Of a click: its impression's id. */
    final AttributionHash of = new AttributionHash();
    final SliceRow dimensions = new SliceRow();
    final SliceRow key = new SliceRow();
    /** Of a click: its own id and its impression's. */
    final SliceRow texts = new SliceRow();
    final long[] measures;

    private static final int MILLIS = 3;

    private final AttributionRules rules;
    private byte[] buffer = new byte[128];

    AttributionColumns(AttributionRules rules) {
        this.rules = rules;
        measures = new long[rules.measures];
    }

    /** A row without an impression id is no event. */
    static boolean isTick(RowData event) {
        return event.isNullAt(AttributionSignature.IMPRESSION_ID);
    }

    static boolean isClick(RowData event) {
        return !event.isNullAt(AttributionSignature.CLICK_ID);
    }

    /** The id of an event itself. */
    static StringData idOf(RowData event) {
        return event.getString(isClick(event) ? AttributionSignature.CLICK_ID : AttributionSignature.IMPRESSION_ID);
    }

    void readImpression(RowData row) {
        time = row.getTimestamp(AttributionSignature.EVENT_TIMESTAMP, MILLIS).getMillisecond();
        hash(row.getString(AttributionSignature.IMPRESSION_ID), id);
        texts(row, AttributionSignature.DIMENSIONS, rules.dimensions.size(), dimensions);
        if (rules.keyed) {
            boolean isComplete = texts(row, AttributionSignature.DEDUP_KEY, rules.dedupKey.size(), key);
            key.window(isComplete ? 1 : 0);
        }
        ArrayData sums = rules.measures == 0 ? null : array(row, AttributionSignature.SUMS, rules.measures);
        for (int at = 0; at < measures.length; at++) {
            measures[at] = sums.isNullAt(at) ? 0 : sums.getLong(at);
        }
    }

    void readClick(RowData row) {
        time = row.getTimestamp(AttributionSignature.EVENT_TIMESTAMP, MILLIS).getMillisecond();
        StringData click = row.getString(AttributionSignature.CLICK_ID);
        StringData impression = row.getString(AttributionSignature.IMPRESSION_ID);
        hash(click, id);
        hash(impression, of);
        if (rules.judged()) {
            texts.clear();
            add(click, texts);
            add(impression, texts);
        }
    }

    /** Puts the texts of an array into a row; returns whether none is missing or empty. */
    private boolean texts(RowData row, int column, int size, SliceRow into) {
        into.clear();
        if (size == 0) {
            return true;
        }
        ArrayData texts = array(row, column, size);
        boolean isComplete = true;
        for (int at = 0; at < size; at++) {
            isComplete &= add(texts.isNullAt(at) ? null : texts.getString(at), into);
        }
        return isComplete;
    }

    private static ArrayData array(RowData row, int column, int size) {
        ArrayData array = row.isNullAt(column) ? null : row.getArray(column);
        if (array == null || array.size() != size) {
            throw new IllegalStateException(
                    "attribution: array number " + column + " of an impression has "
                            + (array == null ? 0 : array.size()) + " elements, but " + size + " names were given for it");
        }
        return array;
    }

    private boolean add(StringData text, SliceRow into) {
        if (text == null) {
            into.addNull();
            return false;
        }
        int length = read(text);
        int at = into.add(length);
        System.arraycopy(buffer, 0, into.bytes, at, length);
        return length > 0;
    }

    private void hash(StringData text, AttributionHash into) {
        int length = read(text);
        into.of(buffer, 0, length);
    }

    /** Puts a text's bytes into the buffer and returns how many they are. */
    private int read(StringData data) {
        BinaryStringData text = (BinaryStringData) data;
        text.ensureMaterialized();
        int length = text.getSizeInBytes();
        if (length > buffer.length) {
            buffer = new byte[2 * length];
        }
        MemorySegment[] segments = text.getSegments();
        if (segments.length == 1) {
            segments[0].get(text.getOffset(), buffer, 0, length);
        } else {
            System.arraycopy(text.toBytes(), 0, buffer, 0, length);
        }
        return length;
    }
}
