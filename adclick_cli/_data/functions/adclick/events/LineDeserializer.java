package adclick.events;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.util.Collector;

/**
 * Hands the message of each line to the reader of messages, and puts the message's place into its rows.
 *
 * <p>A line has five parts with tabs between them: topic, partition, offset, arrival (ms since 1970, UTC), and the
 * message's bytes in base64, or {@code -} for a tombstone. So a message may hold any bytes, line ends among them.
 */
final class LineDeserializer implements DeserializationSchema<RowData> {

    private static final long serialVersionUID = 1L;
    private static final String TOMBSTONE = "-";
    private static final int MESSAGE = Place.PARTS.size();

    private final DeserializationSchema<RowData> messages;

    /** By column the part of the place that it takes, or -1. */
    private final int[] parts;

    LineDeserializer(DeserializationSchema<RowData> messages, int[] parts) {
        this.messages = messages;
        this.parts = parts;
    }

    @Override
    public void open(InitializationContext context) throws Exception {
        messages.open(context);
    }

    @Override
    public void deserialize(byte[] line, Collector<RowData> out) throws IOException {
        String[] found = new String(line, StandardCharsets.UTF_8).split("\t", -1);
        if (found.length != MESSAGE + 1) {
            throw new IOException("A line of " + LineFormatFactory.IDENTIFIER + " has " + (MESSAGE + 1) + " parts, not "
                    + found.length + ".");
        }
        byte[] message = found[MESSAGE].equals(TOMBSTONE) ? null : Base64.getDecoder().decode(found[MESSAGE]);
        Object[] place = {
            StringData.fromString(found[0]),
            Long.valueOf(found[1]),
            Long.valueOf(found[2]),
            TimestampData.fromEpochMillis(Long.parseLong(found[3]))
        };
        messages.deserialize(message, new Placing(out, place));
    }

    /** Puts a place into rows on their way. */
    private final class Placing implements Collector<RowData> {

        private final Collector<RowData> out;
        private final Object[] place;

        Placing(Collector<RowData> out, Object[] place) {
            this.out = out;
            this.place = place;
        }

        @Override
        public void collect(RowData row) {
            for (int column = 0; column < parts.length; column++) {
                if (parts[column] >= 0) {
                    ((GenericRowData) row).setField(column, place[parts[column]]);
                }
            }
            out.collect(row);
        }

        @Override
        public void close() {
            out.close();
        }
    }

    @Override
    public RowData deserialize(byte[] line) {
        throw new UnsupportedOperationException("A message may give several rows: deserialize(byte[], Collector).");
    }

    @Override
    public boolean isEndOfStream(RowData row) {
        return false;
    }

    @Override
    public TypeInformation<RowData> getProducedType() {
        return messages.getProducedType();
    }
}
