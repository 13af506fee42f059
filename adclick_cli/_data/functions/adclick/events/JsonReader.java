package adclick.events;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.StreamReadConstraints;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.json.JsonReadFeature;

/**
 * Reads one record with Flink's own Jackson: what the {@link FlatScanner} leaves.
 *
 * <p>Control characters may stand in texts, and of a name that an object has twice the last one counts, as in Flink's
 * own JSON format.
 */
final class JsonReader {

    private static final int LONGEST_NAME = 50_000;
    private static final int LONGEST_KEPT_NAME = 256;
    private static final int MOST_LEVELS = 1_000;

    private final List<EventField> fields;
    private final PathNode root;
    private final Rows rows;
    private final Object[] defaults;
    private final Object[] values;
    private final JsonKind[] kinds;
    private final String[] texts;
    private JsonFactory factory = factory();

    /** Whether the factory has met a name that is too long to be kept. */
    private boolean longName;

    JsonReader(EventSchema schema, Rows rows) {
        this.fields = schema.fields;
        this.root = PathNode.of(schema.fields);
        this.rows = rows;
        this.defaults = schema.defaults();
        this.values = new Object[fields.size()];
        this.kinds = new JsonKind[fields.size()];
        this.texts = new String[fields.size()];
    }

    private static JsonFactory factory() {
        return JsonFactory.builder()
                // Names are the sender's: they must not fill a table that all jobs of a JVM share.
                .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                .disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW)
                // The bytes are UTF-8, whatever they look like.
                .disable(JsonFactory.Feature.CHARSET_DETECTION)
                .enable(JsonReadFeature.ALLOW_UNESCAPED_CONTROL_CHARS)
                // Jackson checks some lengths only where a buffer grows; here they are checked for each token.
                .streamReadConstraints(
                        StreamReadConstraints.builder()
                                .maxNestingDepth(MOST_LEVELS)
                                .maxNumberLength(Integer.MAX_VALUE)
                                .maxNameLength(Integer.MAX_VALUE)
                                .maxStringLength(Integer.MAX_VALUE)
                                .build())
                .build();
    }

    private JsonParser parser(byte[] m, int from, int to) throws IOException {
        if (longName) {
            // A factory keeps thousands of the names that it has met.
            factory = factory();
            longName = false;
        }
        return factory.createParser(m, from, to - from);
    }

    /**
     * Reads the object or array that begins at {@code from}, and adds its rows.
     *
     * @return the position behind it; -1 where there is none, or it is broken. Then no row was added.
     */
    int read(byte[] m, int from) {
        if (m[from] != '{' && m[from] != '[') {
            return -1;
        }
        int before = rows.count();
        try (JsonParser in = parser(m, from, m.length)) {
            if (next(in) == JsonToken.START_OBJECT) {
                object(in, from);
            } else {
                array(in, from);
            }
            int behind = position(in, from);
            if (Utf8.valid(m, from, behind)) {
                return behind;
            }
        } catch (IOException error) {
            // Jackson's word for what is no JSON.
        }
        rows.keep(before);
        return -1;
    }

    /** The reason for a broken record: the bytes from {@code from} to before {@code to}. */
    Reason whyBroken(byte[] m, int from, int to) {
        if (!Utf8.valid(m, from, to)) {
            return Reason.NOT_UTF8;
        }
        if (from == to || m[from] == '{' || m[from] == '[') {
            return Reason.NOT_JSON;
        }
        try (JsonParser in = parser(m, from, to)) {
            return next(in) != null && next(in) == null ? Reason.NOT_OBJECT : Reason.NOT_JSON;
        } catch (IOException error) {
            return Reason.NOT_JSON;
        }
    }

    private void array(JsonParser in, int from) throws IOException {
        int before = rows.count();
        boolean objects = false;
        for (JsonToken token = next(in); token != JsonToken.END_ARRAY; token = next(in)) {
            if (token == JsonToken.START_OBJECT) {
                objects = true;
                object(in, from);
            } else {
                int begin = from + (int) in.currentTokenLocation().getByteOffset();
                skip(in, token);
                in.finishToken();
                rows.bad(Reason.NOT_OBJECT, begin, position(in, from));
            }
        }
        if (!objects) {
            rows.keep(before);
            rows.bad(Reason.NOT_OBJECT, from, position(in, from));
        }
    }

    /** Reads an object whose brace is the current token, and adds its row. */
    private void object(JsonParser in, int from) throws IOException {
        int begin = from + (int) in.currentTokenLocation().getByteOffset();
        Arrays.fill(kinds, JsonKind.MISSING);
        members(in, root);
        for (int i = 0; i < values.length; i++) {
            Object value = fields.get(i).value(kinds[i], texts[i]);
            if (value instanceof Reason) {
                rows.bad((Reason) value, begin, position(in, from));
                return;
            }
            values[i] = value == null ? defaults[i] : value;
        }
        rows.event(values, begin, position(in, from));
    }

    private void members(JsonParser in, PathNode node) throws IOException {
        while (next(in) == JsonToken.FIELD_NAME) {
            PathNode child = node.child(in.currentName());
            JsonToken token = next(in);
            if (child == null) {
                skip(in, token);
            } else if (child.field >= 0) {
                take(in, child.field, token);
            } else {
                child.eachField(field -> kinds[field] = JsonKind.MISSING);
                if (token == JsonToken.START_OBJECT) {
                    members(in, child);
                } else {
                    skip(in, token);
                }
            }
        }
    }

    private void take(JsonParser in, int field, JsonToken token) throws IOException {
        texts[field] = token.isScalarValue() ? in.getText() : null;
        kinds[field] = kind(token);
        skip(in, token);
    }

    private static JsonKind kind(JsonToken token) {
        switch (token) {
            case VALUE_STRING:
                return JsonKind.TEXT;
            case VALUE_NUMBER_INT:
                return JsonKind.INTEGER;
            case VALUE_NUMBER_FLOAT:
                return JsonKind.FRACTION;
            case VALUE_TRUE:
            case VALUE_FALSE:
                return JsonKind.BOOLEAN;
            case VALUE_NULL:
                return JsonKind.NULL;
            default:
                return JsonKind.CONTAINER;
        }
    }

    /** Goes on to the last token of the value that the current token begins. */
    private void skip(JsonParser in, JsonToken token) throws IOException {
        int open = token.isStructStart() ? 1 : 0;
        while (open > 0) {
            JsonToken inner = next(in);
            if (inner.isStructStart()) {
                open++;
            } else if (inner.isStructEnd()) {
                open--;
            }
        }
    }

    private static int position(JsonParser in, int from) {
        return from + (int) in.currentLocation().getByteOffset();
    }

    /**
     * The next token.
     *
     * @throws IOException there is none, although an object or array is open; or it is too long.
     */
    private JsonToken next(JsonParser in) throws IOException {
        JsonToken token = in.nextToken();
        if (token == JsonToken.FIELD_NAME) {
            String name = in.currentName();
            longName |= name.length() > LONGEST_KEPT_NAME;
            if (name.length() > LONGEST_NAME && name.codePointCount(0, name.length()) > LONGEST_NAME) {
                throw new IOException("the name is too long");
            }
        } else if (token != null && token.isNumeric() && in.getTextLength() > Numbers.LONGEST) {
            throw new IOException("the number is too long");
        }
        return token;
    }
}
