package adclick;

import java.time.Duration;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.StateTypeStrategy;
import org.apache.flink.table.types.inference.StaticArgument;
import org.apache.flink.table.types.inference.StaticArgumentTrait;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;

/**
 * The arguments of {@link Attribution} and the columns of what it gives, as the planner asks for them.
 *
 * <p>Flink 2.2 takes two tables only where there are no scalars, so impressions and clicks come in one. It converts a table
 * of any columns into Java's own objects, row by row, so the columns are given and what differs between catalogs is in
 * arrays.
 */
final class AttributionSignature {
    static final int IMPRESSION_ID = 1;
    static final int CLICK_ID = 2;
    static final int EVENT_TIMESTAMP = 3;
    static final int DIMENSIONS = 4;
    static final int SUMS = 5;
    static final int DEDUP_KEY = 6;

    static final int SUM_DIGITS = 38;

    private static final DataType EVENTS =
            DataTypes.ROW(
                            DataTypes.FIELD("bucket", DataTypes.INT()),
                            DataTypes.FIELD("impression_id", DataTypes.STRING()),
                            DataTypes.FIELD("click_id", DataTypes.STRING()),
                            DataTypes.FIELD("event_timestamp", DataTypes.TIMESTAMP_LTZ(3)),
                            DataTypes.FIELD("dimensions", DataTypes.ARRAY(DataTypes.STRING())),
                            DataTypes.FIELD("sums", DataTypes.ARRAY(DataTypes.BIGINT())),
                            DataTypes.FIELD("dedup_key", DataTypes.ARRAY(DataTypes.STRING())),
                            DataTypes.FIELD("due_time", DataTypes.TIMESTAMP_LTZ(3)))
                    .bridgedTo(RowData.class);

    private static final DataType COUNTS =
            DataTypes.ROW(
                            DataTypes.FIELD("kind", DataTypes.STRING().notNull()),
                            DataTypes.FIELD("window_start", DataTypes.TIMESTAMP_LTZ(3).notNull()),
                            DataTypes.FIELD("window_end", DataTypes.TIMESTAMP_LTZ(3).notNull()),
                            DataTypes.FIELD("dimensions", DataTypes.ARRAY(DataTypes.STRING())),
                            DataTypes.FIELD("impressions", DataTypes.BIGINT().notNull()),
                            DataTypes.FIELD("clicks", DataTypes.BIGINT().notNull()),
                            DataTypes.FIELD("click", DataTypes.BIGINT()),
                            DataTypes.FIELD("valid_click", DataTypes.BIGINT()),
                            DataTypes.FIELD("sums", DataTypes.ARRAY(DataTypes.DECIMAL(SUM_DIGITS, 0))),
                            DataTypes.FIELD("event_id", DataTypes.STRING()),
                            DataTypes.FIELD("event_timestamp", DataTypes.BIGINT()))
                    .notNull()
                    .bridgedTo(RowData.class);

    private AttributionSignature() {}

    static TypeInference inference() {
        DataType bucket = DataTypes.RAW(AttributionBucket.class, AttributionStateSerializer.INSTANCE);
        DataType state = MapView.newMapViewDataType(DataTypes.INT().notNull(), bucket);
        LinkedHashMap<String, StateTypeStrategy> states = new LinkedHashMap<>();
        // What is kept goes by event time: a time to live by the clock would lose it in a pause.
        states.put("bucket", StateTypeStrategy.of(TypeStrategies.explicit(state), Duration.ZERO));
        return TypeInference.newBuilder()
                .staticArguments(
                        StaticArgument.table(
                                "events",
                                EVENTS,
                                false,
                                EnumSet.of(
                                        StaticArgumentTrait.SET_SEMANTIC_TABLE, StaticArgumentTrait.REQUIRE_ON_TIME)),
                        text("window_size", false),
                        text("attribution", false),
                        text("dimensions", true),
                        text("sums", true),
                        text("clock_skew", true),
                        text("dedup_window", true),
                        text("dedup_key", true),
                        text("unique_ids", true),
                        text("early", true),
                        StaticArgument.scalar("live", DataTypes.BOOLEAN(), true))
                .stateTypeStrategies(states)
                .outputTypeStrategy(TypeStrategies.explicit(COUNTS))
                .build();
    }

    private static StaticArgument text(String name, boolean optional) {
        DataType type = optional ? DataTypes.STRING() : DataTypes.STRING().notNull();
        return StaticArgument.scalar(name, type, optional);
    }
}
