package adclick;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.table.data.DecimalData;
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
    private static final int SUM_DIGITS = 38;

    private final AttributionRules rules;
    private final Consumer<RowData> collector;
    private final Counter lateImpressions;
    private final Counter lateClicks;
    /** Where impressions stand; clicks, click and valid_click come behind them. */
    private final int counts;
    private final int measures;
    private final int event;
    private TimeContext<Long> clock;
    private RowData impression;
    private RowData click;
    private AttributionColumns columns;

    AttributionRows(AttributionRules rules, MetricGroup metrics, Consumer<RowData> collector) {
        this.rules = rules;
        this.collector = collector;
        lateImpressions = metrics.counter("adclick_late_impressions");
        lateClicks = metrics.counter("adclick_late_clicks");
        counts = DIMENSIONS + rules.dimensions.size();
        measures = counts + 4;
        event = measures + rules.measures;
    }

    /** The time of the row or timer at hand. */
    void clock(TimeContext<Long> now) {
        clock = now;
    }

    /** The event at hand, for when it turns out to be late. */
    void event(RowData impression, RowData click, AttributionColumns columns) {
        this.impression = impression;
        this.click = click;
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
        dimensions(row, slice.cells.rows(), cell);
        row.setField(counts, impressions);
        row.setField(counts + 1, clicks);
        sums(row, sums, cell);
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
        dimensions(row, slice.cells.rows(), cell);
        row.setField(counts, impressions);
        row.setField(counts + 1, hasClick && valid ? 1L : 0L);
        row.setField(counts + 2, hasClick ? click : null);
        row.setField(counts + 3, hasClick && valid ? click : null);
        sums(row, sums, cell);
        collector.accept(row);
    }

    @Override
    public void late(boolean isClick, long windowStart) {
        (isClick ? lateClicks : lateImpressions).inc();
        GenericRowData row = row(LATE, windowStart);
        row.setField(counts, isClick ? 0L : 1L);
        row.setField(counts + 1, isClick ? 1L : 0L);
        sums(row, null, 0);
        if (!isClick) {
            SliceRow texts = columns.dimensions;
            int at = SliceRow.RESERVED;
            for (int number = 0; number < rules.dimensions.size(); number++) {
                at = dimension(row, number, texts.bytes.clone(), at);
            }
        }
        row.setField(event, BinaryStringData.fromString(columns.id(impression, click).toString()));
        row.setField(event + 1, columns.time);
        collector.accept(row);
    }

    private GenericRowData row(StringData kind, long windowStart) {
        GenericRowData row = new GenericRowData(event + 2);
        row.setField(KIND, kind);
        row.setField(WINDOW_START, TimestampData.fromEpochMillis(windowStart));
        row.setField(WINDOW_END, TimestampData.fromEpochMillis(windowStart + rules.window));
        return row;
    }

    private void dimensions(GenericRowData row, SliceTexts texts, int cell) {
        int at = texts.begin(cell) + SliceRow.RESERVED;
        for (int number = 0; number < rules.dimensions.size(); number++) {
            at = dimension(row, number, texts.bytes(), at);
        }
    }

    /** Refers to the bytes without a copy: they are never written over. */
    private static int dimension(GenericRowData row, int number, byte[] bytes, int at) {
        int length = SliceRow.getInt(bytes, at);
        if (length < 0) {
            return at + 4;
        }
        row.setField(DIMENSIONS + number, BinaryStringData.fromBytes(bytes, at + 4, length));
        return at + 4 + length;
    }

    private void sums(GenericRowData row, long[] sums, int cell) {
        for (int number = 0; number < rules.measures; number++) {
            int at = 2 * (cell * rules.measures + number);
            BigInteger sum = sums == null ? BigInteger.ZERO : sum(sums[at], sums[at + 1]);
            int scale = rules.scales[number];
            row.setField(measures + number, DecimalData.fromBigDecimal(new BigDecimal(sum, scale), SUM_DIGITS, scale));
        }
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
