package adclick.events;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;

/**
 * The rows of one message.
 *
 * <p>A row of what is no event has NULL in its columns. Its times are 1970-01-01: that moves no watermark, and a NULL
 * there would stop the job where the watermark is made behind the source.
 */
final class Rows {

    /** Which columns a row has: by column a field's position in the schema, or one of the negative numbers. */
    static final class Layout implements Serializable {

        static final int REASON = -1;
        static final int RECORD = -2;
        static final int RAW = -3;
        /** A column that holds nothing of the message: it stays NULL here. */
        static final int OTHER = -4;

        private static final long serialVersionUID = 1L;

        final int[] columns;

        Layout(EventSchema schema, List<String> names, int physical) {
            columns = new int[names.size()];
            for (int i = 0; i < columns.length; i++) {
                String name = names.get(i);
                // Behind the physical columns stand the keys of metadata, which a column may be called, too.
                String key = i < physical ? schema.verdict.key(name) : name;
                int position = schema.position(name);
                columns[i] = key != null ? code(key) : position >= 0 ? position : OTHER;
            }
        }

        private static int code(String key) {
            switch (key) {
                case Verdict.REASON:
                    return REASON;
                case Verdict.RECORD:
                    return RECORD;
                default:
                    return RAW;
            }
        }
    }

    private final int[] columns;
    private final boolean[] time;
    private final List<RowData> found = new ArrayList<>();
    private byte[] message;

    /** The position of the last row that is no event; -1 where there is none. */
    private int lastBad;

    Rows(EventSchema schema, Layout layout) {
        columns = layout.columns;
        time = new boolean[columns.length];
        for (int i = 0; i < columns.length; i++) {
            time[i] = columns[i] >= 0 && schema.fields.get(columns[i]).type == FieldType.TIME;
        }
    }

    void begin(byte[] message) {
        this.message = message;
        found.clear();
        lastBad = -1;
    }

    /** How many there are; also the position of the next record. */
    int count() {
        return found.size();
    }

    /** Takes back all rows but the first {@code count}. */
    void keep(int count) {
        found.subList(count, found.size()).clear();
    }

    /** Adds an event with these values, by field. */
    void event(Object[] values) {
        GenericRowData row = new GenericRowData(columns.length);
        for (int i = 0; i < columns.length; i++) {
            int column = columns[i];
            if (column >= 0) {
                row.setField(i, values[column]);
            } else if (column == Layout.RECORD) {
                row.setField(i, found.size());
            }
        }
        found.add(row);
    }

    /** Adds what is no event: the message's bytes from {@code from} to before {@code to}. */
    void bad(Reason reason, int from, int to) {
        GenericRowData row = new GenericRowData(columns.length);
        for (int i = 0; i < columns.length; i++) {
            int column = columns[i];
            if (time[i]) {
                row.setField(i, TimestampData.fromEpochMillis(0));
            } else if (column == Layout.REASON) {
                row.setField(i, StringData.fromString(reason.text));
            } else if (column == Layout.RECORD) {
                row.setField(i, found.size());
            } else if (column == Layout.RAW) {
                row.setField(i, Arrays.copyOfRange(message, from, to));
            }
        }
        lastBad = found.size();
        found.add(row);
    }

    /** The rows. Where what is no event is all that a message holds, the row has all of its bytes. */
    List<RowData> end() {
        if (found.size() == 1 && lastBad == 0) {
            for (int i = 0; i < columns.length; i++) {
                if (columns[i] == Layout.RAW) {
                    ((GenericRowData) found.get(0)).setField(i, message);
                }
            }
        }
        return found;
    }
}
