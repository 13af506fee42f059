package adclick;

import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.types.ColumnList;

/** Takes an event out of a row of Flink. What was read stays until the next row. */
final class AttributionColumns {
    long time;
    final AttributionHash id = new AttributionHash();
    /** Of a click: its impression's id. */
    final AttributionHash of = new AttributionHash();
    final SliceRow dimensions = new SliceRow();
    final SliceRow key = new SliceRow();
    /** Of a click: its own id and its impression's. */
    final SliceRow texts = new SliceRow();
    final long[] measures;

    private final int impressionId;
    private final int impressionTime;
    private final int clickId;
    private final int clickOf;
    private final int clickTime;
    private final int[] dimensionColumns;
    private final int[] keyColumns;
    private final RowData.FieldGetter[] measureColumns;
    private final LogicalType[] measureTypes;
    private byte[] buffer = new byte[128];

    AttributionColumns(
            ProcessTableFunction.Context context, ColumnList dimensions, ColumnList measures, ColumnList key) {
        DataType impressions = context.tableSemanticsFor("impressions").dataType();
        DataType clicks = context.tableSemanticsFor("clicks").dataType();
        impressionId = AttributionSignature.text(impressions, "impressions", "impression_id");
        impressionTime = AttributionSignature.time(impressions, "impressions", "event_timestamp");
        clickId = AttributionSignature.text(clicks, "clicks", "click_id");
        clickOf = AttributionSignature.text(clicks, "clicks", "impression_id");
        clickTime = AttributionSignature.time(clicks, "clicks", "event_timestamp");
        dimensionColumns = AttributionSignature.columns(impressions, "impressions", dimensions);
        keyColumns = AttributionSignature.columns(impressions, "impressions", key);
        int[] numbers = AttributionSignature.columns(impressions, "impressions", measures);
        measureColumns = new RowData.FieldGetter[numbers.length];
        measureTypes = new LogicalType[numbers.length];
        this.measures = new long[numbers.length];
        for (int at = 0; at < numbers.length; at++) {
            measureTypes[at] = type(impressions, numbers[at]);
            measureColumns[at] = RowData.createFieldGetter(measureTypes[at], numbers[at]);
        }
    }

    /** The decimal places of each measure. */
    int[] scales() {
        int[] scales = new int[measureTypes.length];
        for (int at = 0; at < scales.length; at++) {
            scales[at] = AttributionSignature.scale(measureTypes[at]);
        }
        return scales;
    }

    boolean isTick(RowData impression, RowData click) {
        return impression != null ? impression.isNullAt(impressionId) : click.isNullAt(clickId);
    }

    StringData id(RowData impression, RowData click) {
        return impression != null ? impression.getString(impressionId) : click.getString(clickId);
    }

    void readImpression(RowData row, AttributionRules rules) {
        hash(row, impressionId, id);
        time = row.getLong(impressionTime);
        dimensions.clear();
        for (int column : dimensionColumns) {
            copy(row, column, dimensions);
        }
        if (rules.keyed) {
            boolean isComplete = true;
            key.clear();
            for (int column : keyColumns) {
                int before = key.length;
                copy(row, column, key);
                isComplete &= key.length > before + 4;
            }
            key.window(isComplete ? 1 : 0);
        }
        for (int at = 0; at < measures.length; at++) {
            measures[at] = measure(measureColumns[at].getFieldOrNull(row));
        }
    }

    void readClick(RowData row, AttributionRules rules) {
        hash(row, clickId, id);
        hash(row, clickOf, of);
        time = row.getLong(clickTime);
        if (rules.judged()) {
            texts.clear();
            copy(row, clickId, texts);
            copy(row, clickOf, texts);
        }
    }

    /** A measure that is missing adds nothing. */
    private static long measure(Object value) {
        if (value instanceof DecimalData) {
            return ((DecimalData) value).toUnscaledLong();
        }
        return value == null ? 0 : ((Number) value).longValue();
    }

    private void hash(RowData row, int column, AttributionHash into) {
        int length = read(row, column);
        into.of(buffer, 0, Math.max(0, length));
    }

    private void copy(RowData row, int column, SliceRow into) {
        int length = read(row, column);
        if (length < 0) {
            into.addNull();
        } else {
            int at = into.add(length);
            System.arraycopy(buffer, 0, into.bytes, at, length);
        }
    }

    /** Puts a text's bytes into the buffer; returns how many they are, or -1 for NULL. */
    private int read(RowData row, int column) {
        if (row.isNullAt(column)) {
            return -1;
        }
        BinaryStringData text = (BinaryStringData) row.getString(column);
        text.ensureMaterialized();
        int length = text.getSizeInBytes();
        if (length > buffer.length) {
            buffer = new byte[2 * length];
        }
        MemorySegment[] segments = text.getSegments();
        if (segments.length == 1) {
            segments[0].get(text.getOffset(), buffer, 0, length);
        } else {
            System.arraycopy(text.toBytes(), 0, buffer, 0, length);
        }
        return length;
    }

    private static LogicalType type(DataType table, int column) {
        return DataType.getFieldDataTypes(table).get(column).getLogicalType();
    }
}
