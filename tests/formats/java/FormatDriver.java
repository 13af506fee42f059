package adclick.driver;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.catalog.CatalogTable;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.catalog.ObjectIdentifier;
import org.apache.flink.table.catalog.ResolvedCatalogTable;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.runtime.connector.source.ScanRuntimeProviderContext;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeParser;
import org.apache.flink.table.types.utils.TypeConversions;
import org.apache.flink.util.Collector;
import org.apache.flink.util.InstantiationUtil;

/** A format as a connector finds and uses it, and its rows as JSON: many messages a call. */
public final class FormatDriver {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final DeserializationSchema<RowData> format;
    private final RowType produced;

    /**
     * @param columns names and types of the table's physical columns, for example {@code click_id STRING}.
     * @param metadata keys of the format's metadata, which stand behind the columns.
     * @param wanted names of the columns that the connector wants; all where it is empty.
     * @param options the table's options, {@code format} among them.
     */
    public FormatDriver(List<String> columns, List<String> metadata, List<String> wanted, Map<String, String> options)
            throws Exception {
        List<Column> physical = new ArrayList<>();
        List<Column> asked = new ArrayList<>();
        for (String column : columns) {
            String[] parts = column.split(" ", 2);
            LogicalType type = LogicalTypeParser.parse(parts[1], FormatDriver.class.getClassLoader());
            Column made = Column.physical(parts[0], TypeConversions.fromLogicalToDataType(type));
            physical.add(made);
            if (wanted.isEmpty() || wanted.contains(parts[0])) {
                asked.add(made);
            }
        }
        CatalogTable table =
                CatalogTable.newBuilder().schema(Schema.derived()).options(Map.copyOf(options)).build();
        DynamicTableFactory.Context context =
                new FactoryUtil.DefaultDynamicTableContext(
                        ObjectIdentifier.of("c", "d", "t"),
                        new ResolvedCatalogTable(table, ResolvedSchema.of(physical)),
                        Map.of(),
                        new Configuration(),
                        FormatDriver.class.getClassLoader(),
                        true);
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(new Connector(), context);
        DecodingFormat<DeserializationSchema<RowData>> found =
                helper.discoverDecodingFormat(DeserializationFormatFactory.class, FactoryUtil.FORMAT);
        helper.validate();
        if (!metadata.isEmpty()) {
            Set<String> unknown = new HashSet<>(metadata);
            unknown.removeAll(found.listReadableMetadata().keySet());
            if (!unknown.isEmpty()) {
                throw new IllegalArgumentException("no metadata of the format: " + unknown);
            }
            found.applyReadableMetadata(List.copyOf(metadata));
        }
        DataType type = ResolvedSchema.of(asked).toPhysicalRowDataType();
        // It travels to the TaskManager.
        format = InstantiationUtil.clone(found.createRuntimeDecoder(ScanRuntimeProviderContext.INSTANCE, type));
        produced = rowType(format);
        format.open(null);
    }

    private static RowType rowType(DeserializationSchema<RowData> format) {
        return ((InternalTypeInfo<RowData>) format.getProducedType()).toRowType();
    }

    /**
     * The rows of messages.
     *
     * @param batch each message behind its length (4 bytes, big-endian); a length of -1 is a record without a value.
     * @return JSON: by message its rows, by row its values; bytes in base64, times in milliseconds.
     */
    public String rows(byte[] batch) throws Exception {
        ArrayNode all = JSON.createArrayNode();
        for (byte[] message : messages(batch)) {
            ArrayNode rows = all.addArray();
            format.deserialize(message, collector(row -> add(rows.addArray(), row)));
        }
        return JSON.writeValueAsString(all);
    }

    private void add(ArrayNode into, RowData row) {
        for (int i = 0; i < produced.getFieldCount(); i++) {
            LogicalType type = produced.getTypeAt(i);
            if (row.isNullAt(i)) {
                into.addNull();
                continue;
            }
            switch (type.getTypeRoot()) {
                case VARCHAR:
                    into.add(row.getString(i).toString());
                    break;
                case BIGINT:
                    into.add(row.getLong(i));
                    break;
                case INTEGER:
                    into.add(row.getInt(i));
                    break;
                case BOOLEAN:
                    into.add(row.getBoolean(i));
                    break;
                case DECIMAL:
                    DecimalType decimal = (DecimalType) type;
                    into.add(row.getDecimal(i, decimal.getPrecision(), decimal.getScale()).toString());
                    break;
                case VARBINARY:
                    into.add(Base64.getEncoder().encodeToString(row.getBinary(i)));
                    break;
                default:
                    into.add(row.getTimestamp(i, 3).getMillisecond());
            }
        }
    }

    /**
     * What the messages cost, one after the other.
     *
     * @param rounds how often all are read.
     * @return nanoseconds of processor time a message in the cheapest of {@code tries} tries, and the rows of a round.
     */
    public List<Double> time(byte[] batch, int rounds, int tries) throws Exception {
        List<byte[]> messages = messages(batch);
        long[] count = {0};
        Collector<RowData> out = collector(row -> count[0] += row.getArity());
        double best = Double.MAX_VALUE;
        for (int i = 0; i < tries; i++) {
            long begin = THREADS.getCurrentThreadCpuTime();
            for (int round = 0; round < rounds; round++) {
                for (int j = 0; j < messages.size(); j++) {
                    format.deserialize(messages.get(j), out);
                }
            }
            best = Math.min(best, (THREADS.getCurrentThreadCpuTime() - begin) / (double) rounds / messages.size());
        }
        return List.of(best, count[0] / (double) produced.getFieldCount() / rounds / tries);
    }

    private static List<byte[]> messages(byte[] batch) {
        List<byte[]> messages = new ArrayList<>();
        ByteBuffer buffer = ByteBuffer.wrap(batch);
        while (buffer.hasRemaining()) {
            int length = buffer.getInt();
            byte[] message = length < 0 ? null : new byte[length];
            if (message != null) {
                buffer.get(message);
            }
            messages.add(message);
        }
        return messages;
    }

    private static Collector<RowData> collector(Consumer<RowData> to) {
        return new Collector<RowData>() {
            @Override
            public void collect(RowData row) {
                to.accept(row);
            }

            @Override
            public void close() {}
        };
    }

    /** A connector with nothing but a format. */
    private static final class Connector implements DynamicTableFactory {

        @Override
        public String factoryIdentifier() {
            return "driver";
        }

        @Override
        public Set<ConfigOption<?>> requiredOptions() {
            return Set.of(FactoryUtil.FORMAT);
        }

        @Override
        public Set<ConfigOption<?>> optionalOptions() {
            return Set.of();
        }
    }
}
