package adclick.events;

import java.util.List;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.Collector;

/** Gives the rows of each message to Flink. */
final class EventDeserializer implements DeserializationSchema<RowData> {

    private static final long serialVersionUID = 1L;

    private final EventSchema schema;
    private final Rows.Layout layout;
    private final TypeInformation<RowData> produced;
    private transient MessageReader reader;

    EventDeserializer(EventSchema schema, Rows.Layout layout, TypeInformation<RowData> produced) {
        this.schema = schema;
        this.layout = layout;
        this.produced = produced;
    }

    @Override
    public void deserialize(byte[] message, Collector<RowData> out) {
        if (reader == null) {
            reader = new MessageReader(schema, layout);
        }
        // Whatever is behind the collector may fail: that is no fault of the message.
        List<RowData> rows = reader.read(message);
        for (int i = 0; i < rows.size(); i++) {
            out.collect(rows.get(i));
        }
    }

    @Override
    public RowData deserialize(byte[] message) {
        throw new UnsupportedOperationException("A message may give several rows: deserialize(byte[], Collector).");
    }

    @Override
    public boolean isEndOfStream(RowData row) {
        return false;
    }

    @Override
    public TypeInformation<RowData> getProducedType() {
        return produced;
    }
}
