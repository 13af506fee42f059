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

    /** The column that takes the bytes; -1 where nobody asked for them. */
    private final int raw;

    private byte[] message;

    /** Of each row, where its record begins and ends in the message. */
    private int[] places = new int[16];

    Rows(EventSchema schema, Layout layout) {
        columns = layout.columns;
        time = new boolean[columns.length];
        int raw = -1;
        for (int i = 0; i < columns.length; i++) {
            time[i] = columns[i] >= 0 && schema.fields.get(columns[i]).type == FieldType.TIME;
            raw = columns[i] == Layout.RAW ? i : raw;
        }
        this.raw = raw;
    }

    void begin(byte[] message) {
        this.message = message;
        found.clear();
    }

    /** How many there are; also the position of the next record. */
    int count() {
        return found.size();
    }

    /** Takes back all rows but the first {@code count}. */
    void keep(int count) {
        found.subList(count, found.size()).clear();
    }

    /** Adds an event with these values, by field: the message's bytes from {@code from} to before {@code to}. */
    void event(Object[] values, int from, int to) {
        GenericRowData row = new GenericRowData(columns.length);
        for (int i = 0; i < columns.length; i++) {
            int column = columns[i];
            if (column >= 0) {
                row.setField(i, values[column]);
            } else if (column == Layout.RECORD) {
                row.setField(i, found.size());
            }
        }
        add(row, from, to);
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
            }
        }
        add(row, from, to);
    }

    private void add(GenericRowData row, int from, int to) {
        int at = 2 * found.size();
        if (at == places.length) {
            places = Arrays.copyOf(places, 2 * at);
        }
        places[at] = from;
        places[at + 1] = to;
        found.add(row);
    }

    /** The rows. Where a message holds one record only, the row has all of its bytes, which are not copied. */
    List<RowData> end() {
        if (raw >= 0) {
            int size = found.size();
            for (int i = 0; i < size; i++) {
                byte[] bytes = size == 1 ? message : Arrays.copyOfRange(message, places[2 * i], places[2 * i + 1]);
                ((GenericRowData) found.get(i)).setField(raw, bytes);
            }
        }
        return found;
    }
}
