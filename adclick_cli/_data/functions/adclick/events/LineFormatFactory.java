package adclick.events;

import java.util.HashSet;
import java.util.Set;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/**
 * The format {@code adclick-event-lines}: messages for {@code adclick-events} in a file, each on a line with its place.
 *
 * <p>It stands in for Kafka where there is no broker. See {@link LineDeserializer} for what a line is.
 */
public final class LineFormatFactory implements DeserializationFormatFactory {

    /** The value of a table's option {@code format}. */
    public static final String IDENTIFIER = "adclick-event-lines";

    @Override
    public String factoryIdentifier() {
        return IDENTIFIER;
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of();
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        Set<ConfigOption<?>> all = new HashSet<>(EventOptions.ALL);
        all.addAll(Place.options());
        return all;
    }

    @Override
    public DecodingFormat<DeserializationSchema<RowData>> createDecodingFormat(
            DynamicTableFactory.Context context, ReadableConfig options) {
        FactoryUtil.validateFactoryOptions(this, options);
        DataType physical = context.getPhysicalRowDataType();
        Place place = new Place(physical, options);
        return new Format(new EventDecodingFormat(EventOptions.schema(physical, options, place.columns())), place);
    }

    private static final class Format implements DecodingFormat<DeserializationSchema<RowData>> {

        private final EventDecodingFormat messages;
        private final Place place;

        Format(EventDecodingFormat messages, Place place) {
            this.messages = messages;
            this.place = place;
        }

        @Override
        public ChangelogMode getChangelogMode() {
            return ChangelogMode.insertOnly();
        }

        @Override
        public DeserializationSchema<RowData> createRuntimeDecoder(DynamicTableSource.Context context, DataType columns) {
            int[] parts = place.parts(((RowType) columns.getLogicalType()).getFieldNames());
            return new LineDeserializer(messages.createRuntimeDecoder(context, columns), parts);
        }
    }
}
