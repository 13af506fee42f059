package adclick;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * An open-addressed hash table of entries of some longs each, in one array.
 *
 * <p>Words 0 and 1 of an entry are the hash that it is found by. Word 2 is never 0 in an entry: 0 marks a free place.
 * Several entries may have the same hash. Entries are never removed: a table ends with its slice.
 *
 * <pre>{@code for (int at = table.first(hash); table.used(at); at = table.next(at)) ...}</pre>
 *
 * <p>{@link #copy} shares the array. Whoever writes first, the copy or the original, clones it: a checkpoint of Flink's
 * heap state copies everything, and most tables are not written to any more.
 */
final class SliceTable {
    private static final int LEAST = 8;

    private final int width;
    private long[] words;
    private int size;
    private boolean shared;

    SliceTable(int width) {
        this(width, new long[width], 0);
    }

    private SliceTable(int width, long[] words, int size) {
        this.width = width;
        this.words = words;
        this.size = size;
    }

    int size() {
        return size;
    }

    long bytes() {
        return 40 + 8L * words.length;
    }

    /** The place where the search for a hash begins. */
    int first(long hash) {
        return place(hash, words.length / width);
    }

    int next(int at) {
        int after = at + width;
        return after == words.length ? 0 : after;
    }

    boolean used(int at) {
        return words[at + 2] != 0;
    }

    boolean is(int at, long first, long second) {
        return words[at] == first && words[at + 1] == second;
    }

    long get(int at, int word) {
        return words[at + word];
    }

    void set(int at, int word, long value) {
        own();
        words[at + word] = value;
    }

    /** The number of words of all places, used or not: {@code for (at = 0; at < end(); at += width())}. */
    int end() {
        return words.length;
    }

    int width() {
        return width;
    }

    /** Adds an entry, its words beyond the third being 0, and returns its place. */
    int add(long first, long second, long third) {
        int capacity = words.length / width;
        if ((size + 1) * 4L > capacity * 3L) {
            grow(Math.max(LEAST, capacity + capacity / 2));
        }
        own();
        int at = first(first);
        while (used(at)) {
            at = next(at);
        }
        words[at] = first;
        words[at + 1] = second;
        words[at + 2] = third;
        size++;
        return at;
    }

    SliceTable copy() {
        SliceTable copy = new SliceTable(width, words, size);
        copy.shared = true;
        shared = true;
        return copy;
    }

    void write(DataOutput out) throws IOException {
        out.writeInt(size);
        for (int at = 0; at < words.length; at += width) {
            if (used(at)) {
                for (int word = 0; word < width; word++) {
                    out.writeLong(words[at + word]);
                }
            }
        }
    }

    static SliceTable read(DataInput in, int width) throws IOException {
        int size = in.readInt();
        SliceTable table = new SliceTable(width);
        if (size > 0) {
            table.grow(Math.max(LEAST, (int) (size * 3L / 2)));
        }
        for (int entry = 0; entry < size; entry++) {
            int at = table.add(in.readLong(), in.readLong(), in.readLong());
            for (int word = 3; word < width; word++) {
                table.words[at + word] = in.readLong();
            }
        }
        return table;
    }

    private void own() {
        if (shared) {
            words = words.clone();
            shared = false;
        }
    }

    private void grow(int capacity) {
        long[] old = words;
        words = new long[Math.multiplyExact(capacity, width)];
        shared = false;
        for (int from = 0; from < old.length; from += width) {
            if (old[from + 2] != 0) {
                int at = first(old[from]);
                while (used(at)) {
                    at = next(at);
                }
                System.arraycopy(old, from, words, at, width);
            }
        }
    }

    /** Any capacity will do, not only powers of 2, so tables grow by half: they stand empty for less. */
    private int place(long hash, int capacity) {
        return (int) ((hash >>> 32) * capacity >>> 32) * width;
    }
}
