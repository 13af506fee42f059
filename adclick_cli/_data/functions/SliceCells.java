package adclick;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/**
 * The counts of a slice: a cell for each window and combination of dimensions that was seen.
 *
 * <p>Of each cell: impressions, clicks and sums of measures, and how much of these the live rows do not tell yet. Sums
 * have 128 bits: two longs, the high one first. A BIGINT or DECIMAL(18) can be added to one for ever.
 */
final class SliceCells {
    private static final int LEAST = 8;

    private final int measures;
    private SliceTexts rows = new SliceTexts();
    private int[] impressions = new int[LEAST];
    private int[] clicks = new int[LEAST];
    private int[] newImpressions = new int[LEAST];
    private int[] newClicks = new int[LEAST];
    private long[] sums;
    private long[] newSums;
    private int[] changed = new int[LEAST];
    private boolean[] isChanged = new boolean[LEAST];
    private int changes;
    private boolean shared;

    SliceCells(int measures) {
        this.measures = measures;
        sums = new long[2 * measures * LEAST];
        newSums = new long[2 * measures * LEAST];
    }

    int size() {
        return rows.size();
    }

    long heap() {
        return 120 + rows.heap() + 21L * impressions.length + 8L * (sums.length + newSums.length);
    }

    SliceTexts rows() {
        return rows;
    }

    /** Which window of its slice a cell belongs to. */
    int window(int cell) {
        return SliceRow.getInt(rows.bytes(), rows.begin(cell));
    }

    int impressions(int cell) {
        return impressions[cell];
    }

    int clicks(int cell) {
        return clicks[cell];
    }

    long[] sums() {
        return sums;
    }

    int cell(SliceRow row, AttributionHash hasher) {
        int cell = rows.number(row, hasher);
        if (cell == impressions.length) {
            int more = cell + cell / 2;
            impressions = Arrays.copyOf(impressions, more);
            clicks = Arrays.copyOf(clicks, more);
            newImpressions = Arrays.copyOf(newImpressions, more);
            newClicks = Arrays.copyOf(newClicks, more);
            sums = Arrays.copyOf(sums, 2 * measures * more);
            newSums = Arrays.copyOf(newSums, 2 * measures * more);
            changed = Arrays.copyOf(changed, more);
            isChanged = Arrays.copyOf(isChanged, more);
            shared = false;
        }
        return cell;
    }

    void addImpression(int cell) {
        own();
        impressions[cell]++;
        newImpressions[cell]++;
        change(cell);
    }

    void addClick(int cell) {
        own();
        clicks[cell]++;
        newClicks[cell]++;
        change(cell);
    }

    void addMeasure(int cell, int measure, long value) {
        own();
        int at = 2 * (cell * measures + measure);
        add(sums, at, value);
        add(newSums, at, value);
        change(cell);
    }

    void takeMeasure(int cell, int measure, long value) {
        own();
        int at = 2 * (cell * measures + measure);
        take(sums, at, value);
        take(newSums, at, value);
        change(cell);
    }

    static void add(long[] sums, int at, long value) {
        long low = sums[at + 1] + value;
        long carry = Long.compareUnsigned(low, value) < 0 ? 1 : 0;
        sums[at] += (value >> 63) + carry;
        sums[at + 1] = low;
    }

    private static void take(long[] sums, int at, long value) {
        long low = sums[at + 1];
        long borrow = Long.compareUnsigned(low, value) < 0 ? 1 : 0;
        sums[at] -= (value >> 63) + borrow;
        sums[at + 1] = low - value;
    }

    boolean hasChanges() {
        return changes > 0;
    }

    /** Tells each cell that has changed since the last time, and what was added to it. */
    void flush(Slice slice, AttributionOutput out) {
        own();
        for (int at = 0; at < changes; at++) {
            int cell = changed[at];
            out.live(slice, cell, newImpressions[cell], newClicks[cell], newSums);
            newImpressions[cell] = 0;
            newClicks[cell] = 0;
            Arrays.fill(newSums, 2 * measures * cell, 2 * measures * (cell + 1), 0);
            isChanged[cell] = false;
        }
        changes = 0;
    }

    SliceCells copy() {
        SliceCells copy = new SliceCells(measures);
        copy.rows = rows.copy();
        copy.impressions = impressions;
        copy.clicks = clicks;
        copy.newImpressions = newImpressions;
        copy.newClicks = newClicks;
        copy.sums = sums;
        copy.newSums = newSums;
        copy.changed = changed;
        copy.isChanged = isChanged;
        copy.changes = changes;
        copy.shared = true;
        shared = true;
        return copy;
    }

    void write(DataOutput out) throws IOException {
        rows.write(out);
        for (int cell = 0; cell < rows.size(); cell++) {
            out.writeInt(impressions[cell]);
            out.writeInt(clicks[cell]);
            out.writeInt(newImpressions[cell]);
            out.writeInt(newClicks[cell]);
            out.writeBoolean(isChanged[cell]);
            for (int at = 2 * measures * cell; at < 2 * measures * (cell + 1); at++) {
                out.writeLong(sums[at]);
                out.writeLong(newSums[at]);
            }
        }
    }

    static SliceCells read(DataInput in, int measures) throws IOException {
        SliceCells cells = new SliceCells(measures);
        cells.rows = SliceTexts.read(in);
        int size = Math.max(LEAST, cells.rows.size());
        cells.impressions = new int[size];
        cells.clicks = new int[size];
        cells.newImpressions = new int[size];
        cells.newClicks = new int[size];
        cells.sums = new long[2 * measures * size];
        cells.newSums = new long[2 * measures * size];
        cells.changed = new int[size];
        cells.isChanged = new boolean[size];
        for (int cell = 0; cell < cells.rows.size(); cell++) {
            cells.impressions[cell] = in.readInt();
            cells.clicks[cell] = in.readInt();
            cells.newImpressions[cell] = in.readInt();
            cells.newClicks[cell] = in.readInt();
            if (in.readBoolean()) {
                cells.change(cell);
            }
            for (int at = 2 * measures * cell; at < 2 * measures * (cell + 1); at++) {
                cells.sums[at] = in.readLong();
                cells.newSums[at] = in.readLong();
            }
        }
        return cells;
    }

    private void own() {
        if (shared) {
            impressions = impressions.clone();
            clicks = clicks.clone();
            newImpressions = newImpressions.clone();
            newClicks = newClicks.clone();
            sums = sums.clone();
            newSums = newSums.clone();
            changed = changed.clone();
            isChanged = isChanged.clone();
            shared = false;
        }
    }

    private void change(int cell) {
        if (!isChanged[cell]) {
            isChanged[cell] = true;
            changed[changes++] = cell;
        }
    }
}
