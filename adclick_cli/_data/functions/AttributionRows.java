package adclick;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.functions.ProcessTableFunction.TimeContext;

/** Makes rows of what the attribution says, in the columns of {@link AttributionSignature}; counts what is late. */
final class AttributionRows implements AttributionOutput {
    private static final StringData LIVE = kind("live");
    private static final StringData FINAL = kind("final");
    private static final StringData EARLY = kind("early");
    private static final StringData LATE = kind("late");

    private static final int KIND = 0;
    private static final int WINDOW_START = 1;
    private static final int WINDOW_END = 2;
    private static final int DIMENSIONS = 3;
    private static final int IMPRESSIONS = 4;
    private static final int CLICKS = 5;
    private static final int CLICK = 6;
    private static final int VALID_CLICK = 7;
    private static final int SUMS = 8;
    private static final int EVENT_ID = 9;
    private static final int EVENT_TIMESTAMP = 10;
    private static final int WIDTH = 11;

    private final AttributionRules rules;
    private final Consumer<RowData> collector;
    private final Counter lateImpressions;
    private final Counter lateClicks;
    private TimeContext<Long> clock;
    private RowData event;
    private AttributionColumns columns;

    AttributionRows(AttributionRules rules, MetricGroup metrics, Consumer<RowData> collector) {
        this.rules = rules;
        this.collector = collector;
        lateImpressions = metrics.counter("adclick_late_impressions");
        lateClicks = metrics.counter("adclick_late_clicks");
    }

    /** The time of the row or timer at hand. */
    void clock(TimeContext<Long> now) {
        clock = now;
    }

    /** The event at hand, for when it turns out to be late. */
    void event(RowData event, AttributionColumns columns) {
        this.event = event;
        this.columns = columns;
    }

    /** The watermark, or the least number before there is one. */
    long watermark() {
        Long mark = clock.currentWatermark();
        return mark == null ? Long.MIN_VALUE : mark;
    }

    @Override
    public void timer(long time) {
        clock.registerOnTime(time);
    }

    @Override
    public void live(Slice slice, int cell, long impressions, long clicks, long[] sums) {
        GenericRowData row = row(LIVE, slice.start + slice.cells.window(cell) * rules.window);
        SliceTexts texts = slice.cells.rows();
        row.setField(DIMENSIONS, dimensions(texts.bytes(), texts.begin(cell)));
        row.setField(IMPRESSIONS, impressions);
        row.setField(CLICKS, clicks);
        row.setField(SUMS, sums(sums, cell));
        collector.accept(row);
    }

    @Override
    public void closed(
            boolean early,
            Slice slice,
            int cell,
            long impressions,
            long[] sums,
            boolean hasClick,
            long click,
            boolean valid) {
        GenericRowData row = row(early ? EARLY : FINAL, slice.start + slice.cells.window(cell) * rules.window);
        SliceTexts texts = slice.cells.rows();
        row.setField(DIMENSIONS, dimensions(texts.bytes(), texts.begin(cell)));
        row.setField(IMPRESSIONS, impressions);
        row.setField(CLICKS, hasClick && valid ? 1L : 0L);
        row.setField(CLICK, hasClick ? click : null);
        row.setField(VALID_CLICK, hasClick && valid ? click : null);
        row.setField(SUMS, sums(sums, cell));
        collector.accept(row);
    }

    @Override
    public void late(boolean isClick, long windowStart) {
        (isClick ? lateClicks : lateImpressions).inc();
        GenericRowData row = row(LATE, windowStart);
        row.setField(IMPRESSIONS, isClick ? 0L : 1L);
        row.setField(CLICKS, isClick ? 1L : 0L);
        if (!isClick) {
            row.setField(DIMENSIONS, dimensions(columns.dimensions.bytes.clone(), 0));
        }
        row.setField(EVENT_ID, ((BinaryStringData) AttributionColumns.idOf(event)).copy());
        row.setField(EVENT_TIMESTAMP, columns.time);
        collector.accept(row);
    }

    private GenericRowData row(StringData kind, long windowStart) {
        GenericRowData row = new GenericRowData(WIDTH);
        row.setField(KIND, kind);
        row.setField(WINDOW_START, TimestampData.fromEpochMillis(windowStart));
        row.setField(WINDOW_END, TimestampData.fromEpochMillis(windowStart + rules.window));
        return row;
    }

    /** Refers to the bytes without a copy: they are never written over. */
    private GenericArrayData dimensions(byte[] bytes, int begin) {
        Object[] texts = new Object[rules.dimensions.size()];
        int at = begin + SliceRow.RESERVED;
        for (int number = 0; number < texts.length; number++) {
            int length = SliceRow.getInt(bytes, at);
            at += 4;
            if (length >= 0) {
                texts[number] = BinaryStringData.fromBytes(bytes, at, length);
                at += length;
            }
        }
        return new GenericArrayData(texts);
    }

    private GenericArrayData sums(long[] sums, int cell) {
        Object[] all = new Object[rules.measures];
        for (int number = 0; number < all.length; number++) {
            int at = 2 * (cell * rules.measures + number);
            BigInteger sum = sums == null ? BigInteger.ZERO : sum(sums[at], sums[at + 1]);
            all[number] = DecimalData.fromBigDecimal(new BigDecimal(sum), AttributionSignature.SUM_DIGITS, 0);
        }
        return new GenericArrayData(all);
    }

    private static BigInteger sum(long high, long low) {
        if (high == low >> 63) {
            return BigInteger.valueOf(low);
        }
        return new BigInteger(ByteBuffer.allocate(16).putLong(high).putLong(low).array());
    }

    private static StringData kind(String name) {
        BinaryStringData kind = BinaryStringData.fromString(name);
        kind.ensureMaterialized();
        return kind;
    }
}
