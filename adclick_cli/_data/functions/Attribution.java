package adclick;

import java.util.List;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.util.TimeUtils;

/**
 * Clicks to impressions, counted by window and dimensions: the process table function {@code attribution} (FLIP-440).
 *
 * <pre>{@code
 * SELECT * FROM attribution(
 *     events => TABLE events PARTITION BY bucket,
 *     window_size => '1 min', attribution => '10 min',
 *     dimensions => 'campaign_id, device_type', sums => 'cost', live => TRUE,
 *     on_time => DESCRIPTOR(due_time), uid => 'attribution')
 * }</pre>
 *
 * <p>{@code events} has these columns, in this order:
 *
 * <ol>
 *   <li>{@code bucket INT}, a number made of the impression id. Where an answer depends on several impressions ({@code
 *       unique_ids}, {@code dedup_key}) there must be one bucket alone.
 *   <li>{@code impression_id STRING}; a row without one is a tick, which lets live rows out and does nothing else.
 *   <li>{@code click_id STRING}; NULL: the row is an impression.
 *   <li>{@code event_timestamp TIMESTAMP_LTZ(3)}, the time of the event.
 *   <li>{@code dimensions ARRAY<STRING>}, {@code sums ARRAY<BIGINT>}, {@code dedup_key ARRAY<STRING>} of an impression; NULL
 *       where they are not asked for. A decimal is summed in units of its last digit. What is NULL adds nothing.
 *   <li>{@code due_time TIMESTAMP_LTZ(3)}, see below.
 * </ol>
 *
 * <p>The arguments {@code dimensions}, {@code sums} and {@code dedup_key} name what is in these arrays: so a savepoint of
 * other columns is refused. Durations are written as in Flink's options. {@code clock_skew}, {@code dedup_window}, {@code
 * unique_ids} and {@code early} may be left out, and are then off.
 *
 * <p>Flink 2.2 drops rows whose {@code on_time} is behind the watermark before they get here. So {@code due_time} must be
 * later than the event's own time by more than any event can be late, and its watermark earlier by as much.
 *
 * <p>What comes out, by {@code kind}:
 *
 * <ul>
 *   <li>{@code live}: what was added to a window since the last such row. Clicks of ids that name several impressions may
 *       be told by each bucket, and duplicates are among them.
 *   <li>{@code final}: a part of a closed window. The sums of impressions and measures and the number of different {@code
 *       valid_click} are its counts; {@code click} has the duplicates, too. All parts of a window have one {@code rowtime}.
 *   <li>{@code early}: the same with the clicks of the first {@code early} alone.
 *   <li>{@code late}: an event that came too late to count, with its id and time.
 * </ul>
 *
 * <p>The state is changed in place. Only Flink's heap state backend allows that, so any other one is refused.
 */
public class Attribution extends ProcessTableFunction<RowData> {
    private static final long serialVersionUID = 1L;
    private static final long LIVE_MS = 1000;
    private static final int ONLY = 0;
    private static final int REPORT_EVERY = 1024;

    private transient AttributionColumns columns;
    private transient AttributionRules rules;
    private transient AttributionRows rows;
    private transient TimeContext<Long> clock;
    private transient MetricGroup metrics;
    private transient long stateBytes;
    private transient int unreported;

    @Override
    public TypeInference getTypeInference(DataTypeFactory factory) {
        return AttributionSignature.inference();
    }

    @Override
    public void open(FunctionContext context) {
        metrics = context.getMetricGroup();
        metrics.gauge("adclick_state_bytes", () -> stateBytes);
    }

    /** An impression, a click or a tick. */
    public void eval(
            Context context,
            MapView<Integer, AttributionBucket> state,
            RowData event,
            String windowSize,
            String attribution,
            String dimensions,
            String sums,
            String clockSkew,
            String dedupWindow,
            String dedupKey,
            String uniqueIds,
            String early,
            Boolean live)
            throws Exception {
        if (rules == null) {
            rules =
                    new AttributionRules(
                            millis(windowSize),
                            millis(attribution),
                            millis(clockSkew),
                            millis(dedupWindow),
                            millis(uniqueIds),
                            millis(early),
                            live != null && live,
                            names(dimensions),
                            names(sums),
                            names(dedupKey));
            columns = new AttributionColumns(rules);
            clock = context.timeContext(Long.class);
            rows = new AttributionRows(rules, metrics, this::collect);
        }
        rows.clock(clock);
        boolean isTick = AttributionColumns.isTick(event);
        AttributionBucket bucket = state.get(ONLY);
        if (bucket == null) {
            if (isTick) {
                return;
            }
            bucket = create(state);
        }
        bucket.go(rules);
        if (!isTick) {
            read(bucket, event);
        }
        if (rules.live) {
            letOut(bucket, isTick);
        }
        if (++unreported == REPORT_EVERY) {
            unreported = 0;
            report(bucket, bucket.heap());
        }
    }

    /** Closes windows, and lets live rows out. */
    public void onTimer(OnTimerContext context, MapView<Integer, AttributionBucket> state) throws Exception {
        AttributionBucket bucket = state.get(ONLY);
        if (bucket == null) {
            return;
        }
        if (rows == null) {
            // After a restart a timer may come before any row: what was restored says what is wanted.
            rows = new AttributionRows(bucket.rules(), metrics, this::collect);
        }
        TimeContext<Long> now = context.timeContext(Long.class);
        rows.clock(now);
        long time = now.time();
        boolean isForLive = bucket.timerAt == time;
        if (isForLive) {
            bucket.timerAt = AttributionBucket.NEVER;
        }
        if (bucket.rules().live) {
            if (isForLive) {
                letOut(bucket, false);
            } else {
                bucket.flush(rows);
            }
        }
        bucket.advance(time, rows);
        if (bucket.isEmpty()) {
            report(bucket, 0);
            state.remove(ONLY);
        } else {
            report(bucket, bucket.heap());
        }
    }

    private AttributionBucket create(MapView<Integer, AttributionBucket> state) throws Exception {
        AttributionBucket bucket = new AttributionBucket(rules);
        state.put(ONLY, bucket);
        if (state.get(ONLY) != bucket) {
            throw new IllegalStateException(
                    "attribution: this state backend keeps copies; set state.backend.type to hashmap");
        }
        return bucket;
    }

    private void read(AttributionBucket bucket, RowData event) {
        rows.event(event, columns);
        long watermark = rows.watermark();
        if (!AttributionColumns.isClick(event)) {
            columns.readImpression(event);
            bucket.impression(
                    columns.time,
                    columns.id,
                    columns.dimensions,
                    columns.key,
                    columns.measures,
                    watermark,
                    rows);
        } else {
            columns.readClick(event);
            bucket.click(columns.time, columns.of, columns.id, columns.texts, watermark, rows);
        }
    }

    /**
     * Lets live rows out once in {@link #LIVE_MS}: with a row, with a watermark, or else with the next tick.
     *
     * <p>There are no timers by the clock in a process table function. What came since the last time goes out with the
     * first watermark after that time, or at once with a tick.
     */
    private void letOut(AttributionBucket bucket, boolean isTick) {
        long now = System.currentTimeMillis();
        if (isTick || now - bucket.flushedAt >= LIVE_MS) {
            bucket.flushedAt = now;
            bucket.flush(rows);
        } else if (bucket.timerAt == AttributionBucket.NEVER && bucket.hasChanges()) {
            long watermark = rows.watermark();
            if (watermark > Long.MIN_VALUE && watermark < Long.MAX_VALUE) {
                bucket.timerAt = watermark + 1;
                rows.timer(bucket.timerAt);
            }
        }
    }

    private void report(AttributionBucket bucket, long bytes) {
        stateBytes += bytes - bucket.reported;
        bucket.reported = bytes;
    }

    private static long millis(String duration) {
        return duration == null ? 0 : TimeUtils.parseDuration(duration).toMillis();
    }

    private static List<String> names(String list) {
        return list == null || list.isBlank() ? List.of() : List.of(list.trim().split("\\s*,\\s*"));
    }
}
