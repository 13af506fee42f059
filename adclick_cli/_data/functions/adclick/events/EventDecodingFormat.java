package adclick.events;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.utils.DataTypeUtils;

/**
 * The format of one table.
 *
 * <p>Metadata that a connector asks for stands behind the columns. A connector may want some of the columns only; what
 * is an event depends on all of them all the same.
 */
final class EventDecodingFormat implements DecodingFormat<DeserializationSchema<RowData>> {

    private final EventSchema schema;
    private List<String> metadata = List.of();

    EventDecodingFormat(EventSchema schema) {
        this.schema = schema;
    }

    @Override
    public Map<String, DataType> listReadableMetadata() {
        return Verdict.types();
    }

    @Override
    public void applyReadableMetadata(List<String> keys) {
        metadata = List.copyOf(keys);
    }

    @Override
    public ChangelogMode getChangelogMode() {
        return ChangelogMode.insertOnly();
    }

    @Override
    public DeserializationSchema<RowData> createRuntimeDecoder(DynamicTableSource.Context context, DataType columns) {
        Map<String, DataType> types = Verdict.types();
        // A column may have the name of a key; no two fields of a row may have the same.
        List<DataTypes.Field> more =
                metadata.stream()
                        .map(key -> DataTypes.FIELD(EventFormatFactory.IDENTIFIER + "." + key, types.get(key)))
                        .collect(Collectors.toList());
        List<String> names = new ArrayList<>(((RowType) columns.getLogicalType()).getFieldNames());
        int physical = names.size();
        names.addAll(metadata);
        return new EventDeserializer(
                schema,
                new Rows.Layout(schema, names, physical),
                context.createTypeInformation(DataTypeUtils.appendRowFields(columns, more)));
    }
}
