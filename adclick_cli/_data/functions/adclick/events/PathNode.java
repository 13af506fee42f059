package adclick.events;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import org.apache.flink.table.api.ValidationException;

/** The names that are looked for in an object, as a tree: a leaf is a field, any other node an object within. */
final class PathNode {

    /** The field's position in the schema; -1 for an object. */
    final int field;

    /** A bit of its own; 0 from the 65th node on. */
    final long bit;

    private byte[][] names = {};
    private String[] texts = {};
    private PathNode[] children = {};

    private PathNode(int field, long bit) {
        this.field = field;
        this.bit = bit;
    }

    /**
     * The tree of these fields' paths.
     *
     * @throws ValidationException two fields have the same path, or one stands within another.
     */
    static PathNode of(List<EventField> fields) {
        PathNode root = new PathNode(-1, 0);
        int[] made = {0};
        for (int i = 0; i < fields.size(); i++) {
            String[] path = fields.get(i).path;
            PathNode node = root;
            for (int level = 0; level < path.length; level++) {
                boolean leaf = level == path.length - 1;
                PathNode child = node.child(path[level]);
                if (child != null && (leaf || child.field >= 0)) {
                    throw new ValidationException(
                            "Path '" + String.join(".", path) + "' of column '" + fields.get(i).name
                                    + "' is, or stands within, the path of another column.");
                }
                node = child != null ? child : node.add(path[level], leaf ? i : -1, made);
            }
        }
        return root;
    }

    private PathNode add(String name, int field, int[] made) {
        PathNode child = new PathNode(field, made[0] < 64 ? 1L << made[0] : 0);
        made[0]++;
        names = Arrays.copyOf(names, names.length + 1);
        texts = Arrays.copyOf(texts, names.length);
        children = Arrays.copyOf(children, names.length);
        names[names.length - 1] = name.getBytes(StandardCharsets.UTF_8);
        texts[names.length - 1] = name;
        children[names.length - 1] = child;
        return child;
    }

    /** The child whose name is the bytes from {@code from} to before {@code to}; null where there is none. */
    PathNode child(byte[] m, int from, int to) {
        int length = to - from;
        for (int i = 0; i < names.length; i++) {
            byte[] name = names[i];
            if (name.length == length && Arrays.equals(name, 0, length, m, from, to)) {
                return children[i];
            }
        }
        return null;
    }

    /** The child of this name; null where there is none. */
    PathNode child(String name) {
        for (int i = 0; i < texts.length; i++) {
            if (texts[i].equals(name)) {
                return children[i];
            }
        }
        return null;
    }

    /** Calls {@code action} for each field at or below this node. */
    void eachField(IntConsumer action) {
        if (field >= 0) {
            action.accept(field);
        }
        for (PathNode child : children) {
            child.eachField(action);
        }
    }

    /** Whether every node has a bit of its own. */
    boolean hasBits() {
        for (PathNode child : children) {
            if (child.bit == 0 || !child.hasBits()) {
                return false;
            }
        }
        return true;
    }

    /** The bits of all fields below this node for which {@code wanted} holds. */
    long bits(IntPredicate wanted) {
        long bits = field >= 0 && wanted.test(field) ? bit : 0;
        for (PathNode child : children) {
            bits |= child.bits(wanted);
        }
        return bits;
    }
}
