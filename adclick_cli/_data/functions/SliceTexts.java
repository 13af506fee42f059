package adclick;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/**
 * Different {@link SliceRow}s, numbered from 0 in the order in which they came; each is kept once.
 *
 * <p>All bytes lie in one array without an object for each, and are never written over: what was handed out stays.
 */
final class SliceTexts {
    private static final int LEAST = 8;

    private byte[] bytes = new byte[0];
    private int[] ends = new int[LEAST];
    private int[] hashes = new int[LEAST];
    private int[] index = new int[2 * LEAST];
    private int size;
    private boolean shared;

    int size() {
        return size;
    }

    long heap() {
        return 72 + bytes.length + 4L * (ends.length + hashes.length + index.length);
    }

    byte[] bytes() {
        return bytes;
    }

    int begin(int number) {
        return number == 0 ? 0 : ends[number - 1];
    }

    int end(int number) {
        return ends[number];
    }

    /** The number of a row, a new one where it was not there yet. */
    int number(SliceRow row, AttributionHash hasher) {
        hasher.of(row.bytes, 0, row.length);
        int hash = (int) hasher.first;
        int at = place(hash);
        while (index[at] != 0) {
            int number = index[at] - 1;
            if (hashes[number] == hash
                    && Arrays.equals(bytes, begin(number), end(number), row.bytes, 0, row.length)) {
                return number;
            }
            at = at + 1 == index.length ? 0 : at + 1;
        }
        append(row.bytes, row.length, hash);
        return size - 1;
    }

    SliceTexts copy() {
        SliceTexts copy = new SliceTexts();
        copy.bytes = bytes;
        copy.ends = ends;
        copy.hashes = hashes;
        copy.index = index;
        copy.size = size;
        copy.shared = true;
        shared = true;
        return copy;
    }

    void write(DataOutput out) throws IOException {
        out.writeInt(size);
        for (int number = 0; number < size; number++) {
            out.writeInt(end(number) - begin(number));
        }
        out.write(bytes, 0, used());
    }

    static SliceTexts read(DataInput in) throws IOException {
        int size = in.readInt();
        int[] lengths = new int[size];
        int most = 0;
        for (int number = 0; number < size; number++) {
            lengths[number] = in.readInt();
            most = Math.max(most, lengths[number]);
        }
        SliceTexts texts = new SliceTexts();
        AttributionHash hasher = new AttributionHash();
        byte[] row = new byte[most];
        for (int length : lengths) {
            in.readFully(row, 0, length);
            hasher.of(row, 0, length);
            texts.append(row, length, (int) hasher.first);
        }
        return texts;
    }

    private int used() {
        return size == 0 ? 0 : ends[size - 1];
    }

    private void append(byte[] row, int length, int hash) {
        if (shared) {
            bytes = bytes.clone();
            ends = ends.clone();
            hashes = hashes.clone();
            index = index.clone();
            shared = false;
        }
        int used = used();
        if (used + length > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(used + length, bytes.length + bytes.length / 2));
        }
        if (size == ends.length) {
            ends = Arrays.copyOf(ends, size + size / 2);
            hashes = Arrays.copyOf(hashes, size + size / 2);
        }
        System.arraycopy(row, 0, bytes, used, length);
        ends[size] = used + length;
        hashes[size] = hash;
        size++;
        if (3 * size > 2 * index.length) {
            index = new int[2 * index.length];
            for (int number = 0; number < size; number++) {
                enter(number);
            }
        } else {
            enter(size - 1);
        }
    }

    private void enter(int number) {
        int at = place(hashes[number]);
        while (index[at] != 0) {
            at = at + 1 == index.length ? 0 : at + 1;
        }
        index[at] = number + 1;
    }

    private int place(int hash) {
        return (int) ((hash & 0xffffffffL) * index.length >>> 32);
    }
}
