package adclick.events;

import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * What a row says of its message besides the fields: metadata of the format, or columns of the table.
 *
 * <p>{@code reason} (STRING) is NULL for an event, else why it is none. {@code record} (INT) is the row's position in
 * its message, from 0. {@code raw} (BYTES) are the record's bytes, and all of the message where it holds one record only.
 */
final class Verdict implements Serializable {

    static final String REASON = "reason";
    static final String RECORD = "record";
    static final String RAW = "raw";

    private static final long serialVersionUID = 1L;

    private final LinkedHashMap<String, String> keyOfColumn = new LinkedHashMap<>();

    /** Each argument is the column that takes this metadata, or null for none. */
    Verdict(String reason, String record, String raw) {
        put(reason, REASON);
        put(record, RECORD);
        put(raw, RAW);
    }

    private void put(String column, String key) {
        if (column != null && keyOfColumn.put(column, key) != null) {
            throw new ValidationException("Column '" + column + "' cannot take two kinds of metadata.");
        }
    }

    /** The metadata by key. */
    static Map<String, DataType> types() {
        Map<String, DataType> types = new LinkedHashMap<>();
        types.put(REASON, DataTypes.STRING());
        types.put(RECORD, DataTypes.INT());
        types.put(RAW, DataTypes.BYTES());
        return types;
    }

    /** Whether a column takes metadata. */
    boolean takes(String column) {
        return keyOfColumn.containsKey(column);
    }

    /** The key of the metadata that a column takes; null for any other column. */
    String key(String column) {
        return keyOfColumn.get(column);
    }

    /**
     * Checks the type of a column that takes metadata.
     *
     * @throws ValidationException it is another one than the metadata's.
     */
    void check(String column, LogicalType type) {
        LogicalType wanted = types().get(key(column)).getLogicalType();
        if (!type.equals(wanted)) {
            throw new ValidationException(
                    "Column '" + column + "' takes " + key(column) + " and must be " + wanted + ", not " + type + ".");
        }
    }

    /**
     * Checks that the columns are there.
     *
     * @throws ValidationException one is not.
     */
    void requireColumns(List<String> columns) {
        for (String column : keyOfColumn.keySet()) {
            if (!columns.contains(column)) {
                throw new ValidationException(
                        "Option '" + key(column) + "-column' of format '" + EventFormatFactory.IDENTIFIER + "' names '"
                                + column + "', which is no column of this table.");
            }
        }
    }
}
