package adclick.events;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;

/**
 * The options of a table with this format, and the schema that they and the table's columns make.
 *
 * <p>A column's type says what its field holds: STRING a text, BIGINT a whole number, DECIMAL a decimal number, BOOLEAN
 * a truth value, TIMESTAMP_LTZ(3) a time. The options say the rest.
 */
final class EventOptions {

    static final ConfigOption<Map<String, String>> FIELDS =
            ConfigOptions.key("fields")
                    .mapType()
                    .defaultValue(Map.of())
                    .withDescription(
                            "fields.COLUMN: the path of the column's value, names with dots between them, for example"
                                    + " device.type. Where it is not given, the path is the column's name.");

    static final ConfigOption<Map<String, String>> DEFAULTS =
            ConfigOptions.key("default")
                    .mapType()
                    .defaultValue(Map.of())
                    .withDescription("default.COLUMN: the column's value where the field is missing, null or empty.");

    static final ConfigOption<List<String>> OPTIONAL =
            ConfigOptions.key("optional")
                    .stringType()
                    .asList()
                    .defaultValues()
                    .withDescription(
                            "Columns, with ; between them, that are NULL where the field is missing, null or empty.");

    static final ConfigOption<TimeUnit> TIME_UNIT =
            ConfigOptions.key("time-unit")
                    .enumType(TimeUnit.class)
                    .defaultValue(TimeUnit.MS)
                    .withDescription("How times are written: s, ms, us, ns (since 1970, UTC) or iso8601.");

    static final ConfigOption<Integer> LONGEST =
            ConfigOptions.key("max-text-length")
                    .intType()
                    .defaultValue(1024)
                    .withDescription("Characters of the longest text that an event may have in a column.");

    static final ConfigOption<String> REASON_COLUMN = verdict("reason");
    static final ConfigOption<String> RECORD_COLUMN = verdict("record");
    static final ConfigOption<String> RAW_COLUMN = verdict("raw");

    static final Set<ConfigOption<?>> ALL =
            Set.of(FIELDS, DEFAULTS, OPTIONAL, TIME_UNIT, LONGEST, REASON_COLUMN, RECORD_COLUMN, RAW_COLUMN);

    private EventOptions() {}

    private static ConfigOption<String> verdict(String key) {
        return ConfigOptions.key(key + "-column")
                .stringType()
                .noDefaultValue()
                .withDescription(
                        "The column that takes the format's metadata " + key + ", for a connector that does not hand"
                                + " on the metadata of formats (filesystem).");
    }

    /**
     * The schema of a table.
     *
     * @param columns the table's physical columns.
     * @throws ValidationException a type cannot be read, or an option names no column.
     */
    static EventSchema schema(DataType columns, ReadableConfig options) {
        return schema(columns, options, Set.of());
    }

    /**
     * The same for a table some of whose columns hold nothing of an event and are left to somebody else.
     *
     * @param others their names.
     */
    static EventSchema schema(DataType columns, ReadableConfig options, Set<String> others) {
        RowType row = (RowType) columns.getLogicalType();
        Verdict verdict =
                new Verdict(
                        options.get(REASON_COLUMN), options.get(RECORD_COLUMN), options.get(RAW_COLUMN));
        Map<String, String> paths = options.get(FIELDS);
        Map<String, String> defaults = options.get(DEFAULTS);
        Set<String> optional = new HashSet<>(options.get(OPTIONAL));
        List<EventField> fields = new ArrayList<>();
        for (RowType.RowField column : row.getFields()) {
            String name = column.getName();
            if (others.contains(name)) {
                continue;
            }
            if (verdict.takes(name)) {
                verdict.check(name, column.getType());
                continue;
            }
            String path = paths.getOrDefault(name, name);
            FieldType type = type(name, column.getType());
            boolean required = !optional.contains(name) && !defaults.containsKey(name);
            fields.add(
                    new EventField(
                            name,
                            path(name, path),
                            type,
                            required,
                            defaults.get(name),
                            precision(column.getType()),
                            scale(column.getType()),
                            options.get(TIME_UNIT),
                            options.get(LONGEST)));
        }
        Set<String> known = new HashSet<>();
        fields.forEach(field -> known.add(field.name));
        requireColumns(FIELDS, paths.keySet(), known);
        requireColumns(DEFAULTS, defaults.keySet(), known);
        requireColumns(OPTIONAL, optional, known);
        verdict.requireColumns(row.getFieldNames());
        EventSchema made = new EventSchema(fields, verdict);
        PathNode.of(fields);
        fields.forEach(EventField::defaultValue);
        return made;
    }

    private static void requireColumns(ConfigOption<?> option, Set<String> named, Set<String> known) {
        for (String name : named) {
            if (!known.contains(name)) {
                throw new ValidationException(
                        "Option '" + option.key() + "' of format '" + EventFormatFactory.IDENTIFIER + "' names '" + name
                                + "', which is no column of an event in this table. These are: " + known);
            }
        }
    }

    private static String[] path(String column, String path) {
        String[] names = path.split("\\.", -1);
        for (String name : names) {
            if (name.isEmpty()) {
                throw new ValidationException(
                        "Path '" + path + "' of column '" + column + "' has an empty name between its dots.");
            }
        }
        return names;
    }

    private static FieldType type(String column, LogicalType type) {
        LogicalTypeRoot root = type.getTypeRoot();
        boolean time = root == LogicalTypeRoot.TIMESTAMP_WITH_LOCAL_TIME_ZONE;
        if (!type.isNullable() && !time) {
            throw new ValidationException(
                    "Column '" + column + "' is NOT NULL; it is NULL in the row of a message that is no event.");
        }
        if (root == LogicalTypeRoot.VARCHAR) {
            return FieldType.TEXT;
        }
        if (root == LogicalTypeRoot.BIGINT) {
            return FieldType.INTEGER;
        }
        if (root == LogicalTypeRoot.DECIMAL) {
            return FieldType.DECIMAL;
        }
        if (root == LogicalTypeRoot.BOOLEAN) {
            return FieldType.BOOLEAN;
        }
        if (time && ((LocalZonedTimestampType) type).getPrecision() == 3) {
            return FieldType.TIME;
        }
        throw new ValidationException(
                "Column '" + column + "' is of type " + type + ". Format '" + EventFormatFactory.IDENTIFIER
                        + "' reads STRING, BIGINT, DECIMAL, BOOLEAN and TIMESTAMP_LTZ(3).");
    }

    private static int precision(LogicalType type) {
        return type instanceof DecimalType ? ((DecimalType) type).getPrecision() : 0;
    }

    private static int scale(LogicalType type) {
        return type instanceof DecimalType ? ((DecimalType) type).getScale() : 0;
    }
}
