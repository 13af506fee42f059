package adclick.events;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;

/** The columns that take a message's place, which Kafka gives as metadata: topic, partition, offset and arrival. */
final class Place {

    /** The place's parts, in the order in which they stand in a line. */
    static final List<String> PARTS = List.of("topic", "partition", "offset", "arrival");

    private static final List<DataType> TYPES =
            List.of(DataTypes.STRING(), DataTypes.BIGINT(), DataTypes.BIGINT(), DataTypes.TIMESTAMP_LTZ(3));

    private static final List<ConfigOption<String>> OPTIONS = new ArrayList<>();

    static {
        for (String part : PARTS) {
            OPTIONS.add(
                    ConfigOptions.key(part + "-column")
                            .stringType()
                            .noDefaultValue()
                            .withDescription("The column that takes the " + part + " of the message."));
        }
    }

    /** By column the number of the part that it takes. */
    private final Map<String, Integer> partOfColumn = new LinkedHashMap<>();

    /**
     * Reads the options.
     *
     * @param columns the table's physical columns.
     * @throws ValidationException an option names no column, or one of another type than the part's.
     */
    Place(DataType columns, ReadableConfig options) {
        RowType row = (RowType) columns.getLogicalType();
        for (int part = 0; part < OPTIONS.size(); part++) {
            String column = options.get(OPTIONS.get(part));
            if (column == null) {
                continue;
            }
            int at = row.getFieldIndex(column);
            LogicalType wanted = TYPES.get(part).getLogicalType();
            if (at < 0 || !row.getTypeAt(at).equals(wanted) || partOfColumn.put(column, part) != null) {
                throw new ValidationException(
                        "Option '" + OPTIONS.get(part).key() + "' names '" + column + "', which is no column of type "
                                + wanted + " of this table, or takes another part of the place.");
            }
        }
    }

    static List<ConfigOption<String>> options() {
        return OPTIONS;
    }

    /** The columns that take a part. */
    Set<String> columns() {
        return partOfColumn.keySet();
    }

    /** By column of a row the number of the part that it takes; -1 where it takes none. */
    int[] parts(List<String> names) {
        return names.stream().mapToInt(name -> partOfColumn.getOrDefault(name, -1)).toArray();
    }
}
