package adclick;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.TableSemantics;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.CallContext;
import org.apache.flink.table.types.inference.StateTypeStrategy;
import org.apache.flink.table.types.inference.StaticArgument;
import org.apache.flink.table.types.inference.StaticArgumentTrait;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeFamily;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.types.ColumnList;

/** The arguments of {@link Attribution} and the columns of what it gives, as the planner asks for them. */
final class AttributionSignature {
    static final int IMPRESSIONS = 0;
    static final int CLICKS = 1;
    static final int DIMENSIONS = 2;
    static final int MEASURES = 3;
    static final int DEDUP_KEY = 9;

    private static final int LARGEST_MEASURE = 18;
    private static final int LARGEST_SUM = 38;

    private AttributionSignature() {}

    static TypeInference inference() {
        EnumSet<StaticArgumentTrait> traits =
                EnumSet.of(StaticArgumentTrait.SET_SEMANTIC_TABLE, StaticArgumentTrait.REQUIRE_ON_TIME);
        DataType state =
                MapView.newMapViewDataType(
                        DataTypes.INT().notNull(),
                        DataTypes.RAW(AttributionBucket.class, AttributionStateSerializer.INSTANCE));
        LinkedHashMap<String, StateTypeStrategy> states = new LinkedHashMap<>();
        // What is kept goes by event time: a time to live by the clock would lose it in a pause.
        states.put("bucket", StateTypeStrategy.of(TypeStrategies.explicit(state), Duration.ZERO));
        return TypeInference.newBuilder()
                .staticArguments(
                        StaticArgument.table("impressions", RowData.class, false, traits),
                        StaticArgument.table("clicks", RowData.class, false, traits),
                        StaticArgument.scalar("dimensions", DataTypes.DESCRIPTOR(), true),
                        StaticArgument.scalar("measures", DataTypes.DESCRIPTOR(), true),
                        duration("window_ms", false),
                        duration("attribution_ms", false),
                        duration("skew_ms", true),
                        duration("early_ms", true),
                        duration("dedup_ms", true),
                        StaticArgument.scalar("dedup_key", DataTypes.DESCRIPTOR(), true),
                        duration("unique_ms", true),
                        StaticArgument.scalar("live", DataTypes.BOOLEAN(), true))
                .stateTypeStrategies(states)
                .outputTypeStrategy(AttributionSignature::output)
                .build();
    }

    /** The columns of a table that a DESCRIPTOR names, by number. */
    static int[] columns(DataType table, String argument, ColumnList names) {
        if (names == null) {
            return new int[0];
        }
        List<String> all = DataType.getFieldNames(table);
        return names.getNames().stream().mapToInt(name -> column(all, argument, name)).toArray();
    }

    static int text(DataType table, String argument, String name) {
        return column(table, argument, name, type -> type.is(LogicalTypeFamily.CHARACTER_STRING), "text");
    }

    static int time(DataType table, String argument, String name) {
        return column(table, argument, name, type -> type.is(LogicalTypeRoot.BIGINT), "BIGINT");
    }

    private static int column(
            DataType table, String argument, String name, Predicate<LogicalType> fits, String wanted) {
        int column = column(DataType.getFieldNames(table), argument, name);
        LogicalType type = DataType.getFieldDataTypes(table).get(column).getLogicalType();
        if (!fits.test(type)) {
            throw new ValidationException(
                    "attribution: column " + name + " of " + argument + " must be " + wanted + ", it is " + type);
        }
        return column;
    }

    /** The decimal places of a measure; 0 of a whole number. */
    static int scale(LogicalType type) {
        return type.is(LogicalTypeRoot.DECIMAL) ? ((DecimalType) type).getScale() : 0;
    }

    private static StaticArgument duration(String name, boolean optional) {
        DataType type = optional ? DataTypes.BIGINT() : DataTypes.BIGINT().notNull();
        return StaticArgument.scalar(name, type, optional);
    }

    private static int column(List<String> all, String argument, String name) {
        int column = all.indexOf(name);
        if (column < 0) {
            throw new ValidationException(
                    "attribution: there is no column " + name + " in " + argument + ", it has " + String.join(", ", all));
        }
        return column;
    }

    private static Optional<DataType> output(CallContext call) {
        DataType impressions = table(call, IMPRESSIONS);
        DataType clicks = table(call, CLICKS);
        text(impressions, "impressions", "impression_id");
        time(impressions, "impressions", "event_timestamp");
        text(clicks, "clicks", "click_id");
        text(clicks, "clicks", "impression_id");
        time(clicks, "clicks", "event_timestamp");
        texts(call, impressions, DEDUP_KEY);
        List<DataTypes.Field> fields = new ArrayList<>();
        fields.add(DataTypes.FIELD("kind", DataTypes.STRING().notNull()));
        fields.add(DataTypes.FIELD("window_start", DataTypes.TIMESTAMP_LTZ(3).notNull()));
        fields.add(DataTypes.FIELD("window_end", DataTypes.TIMESTAMP_LTZ(3).notNull()));
        for (String name : texts(call, impressions, DIMENSIONS)) {
            fields.add(DataTypes.FIELD(name, DataTypes.STRING()));
        }
        fields.add(DataTypes.FIELD("impressions", DataTypes.BIGINT().notNull()));
        fields.add(DataTypes.FIELD("clicks", DataTypes.BIGINT().notNull()));
        fields.add(DataTypes.FIELD("click", DataTypes.BIGINT()));
        fields.add(DataTypes.FIELD("valid_click", DataTypes.BIGINT()));
        ColumnList measures = names(call, MEASURES);
        for (int column : columns(impressions, "impressions", measures)) {
            fields.add(measure(impressions, column));
        }
        fields.add(DataTypes.FIELD("event_id", DataTypes.STRING()));
        fields.add(DataTypes.FIELD("event_timestamp", DataTypes.BIGINT()));
        return Optional.of(DataTypes.ROW(fields).notNull().bridgedTo(RowData.class));
    }

    private static DataType table(CallContext call, int argument) {
        return call.getTableSemantics(argument).map(TableSemantics::dataType).orElseThrow();
    }

    private static ColumnList names(CallContext call, int argument) {
        return call.isArgumentNull(argument) ? null : call.getArgumentValue(argument, ColumnList.class).orElse(null);
    }

    private static List<String> texts(CallContext call, DataType impressions, int argument) {
        ColumnList names = names(call, argument);
        if (names == null) {
            return List.of();
        }
        for (String name : names.getNames()) {
            text(impressions, "impressions", name);
        }
        return names.getNames();
    }

    private static DataTypes.Field measure(DataType impressions, int column) {
        DataTypes.Field field = DataType.getFields(impressions).get(column);
        LogicalType type = field.getDataType().getLogicalType();
        boolean small = !type.is(LogicalTypeRoot.DECIMAL) || ((DecimalType) type).getPrecision() <= LARGEST_MEASURE;
        if (!type.is(LogicalTypeFamily.EXACT_NUMERIC) || !small) {
            throw new ValidationException(
                    "attribution: measure " + field.getName() + " is of type " + type
                            + "; it must be a whole number or a DECIMAL of at most " + LARGEST_MEASURE
                            + " digits: CAST it");
        }
        return DataTypes.FIELD(field.getName(), DataTypes.DECIMAL(LARGEST_SUM, scale(type)).notNull());
    }
}
