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
    private int capacity;
    private long[] words;
    /**
     * Bits of the hashes that are there, 8 or more an entry. Most searches find nothing, and this tells so from a place that
     * is small enough for the processor's cache.
     */
    private long[] filter;
    private int size;
    private boolean shared;

    SliceTable(int width) {
        this(width, 0);
    }

    /** A table that needs not grow before it holds as many entries as {@code expected}. */
    SliceTable(int width, int expected) {
        this.width = width;
        allocate(expected == 0 ? 1 : Math.max(LEAST, (int) (expected * 4L / 3 + 1)));
    }

    private SliceTable(SliceTable from) {
        width = from.width;
        capacity = from.capacity;
        words = from.words;
        filter = from.filter;
        size = from.size;
        shared = true;
    }

    int size() {
        return size;
    }

    long bytes() {
        return 88 + 8L * (words.length + filter.length);
    }

    /** Whether an entry of a hash may be there; false is certain. */
    boolean mayHold(long hash) {
        long bits = bits(hash);
        return (filter[block(hash)] & bits) == bits;
    }

    /** The place where the search for a hash begins. Any capacity will do, not only powers of 2. */
    int first(long hash) {
        return (int) ((hash >>> 32) * capacity >>> 32) * width;
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
        if (size + 1L > capacity * 3L / 4) {
            grow(Math.max(LEAST, capacity + capacity / 2));
        }
        own();
        int at = free(first);
        filter[block(first)] |= bits(first);
        words[at] = first;
        words[at + 1] = second;
        words[at + 2] = third;
        size++;
        return at;
    }

    SliceTable copy() {
        shared = true;
        return new SliceTable(this);
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
        SliceTable table = new SliceTable(width, size);
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
            filter = filter.clone();
            shared = false;
        }
    }

    private void grow(int larger) {
        long[] old = words;
        allocate(larger);
        shared = false;
        for (int from = 0; from < old.length; from += width) {
            if (old[from + 2] != 0) {
                System.arraycopy(old, from, words, free(old[from]), width);
                filter[block(old[from])] |= bits(old[from]);
            }
        }
    }

    private void allocate(int places) {
        capacity = places;
        words = new long[Math.multiplyExact(places, width)];
        filter = new long[(places + 7) / 8];
    }

    private int free(long hash) {
        int at = first(hash);
        while (used(at)) {
            at = next(at);
        }
        return at;
    }

    private int block(long hash) {
        return (int) ((hash & 0xffffffffL) * filter.length >>> 32);
    }

    /** Two bits of a block. They come from the middle of the hash, whose ends choose block and place. */
    private static long bits(long hash) {
        return 1L << (hash >>> 8) | 1L << (hash >>> 14);
    }
}
