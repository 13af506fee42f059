package adclick;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * What one bucket knows of some time: events dated in it, and counts of its windows. Times are offsets from its start,
 * plus 1.
 *
 * <p>Tables, by word:
 *
 * <ul>
 *   <li>{@link #impressions}: id (2); {@link #stamp} of cell and time; number of the dedup key, if there is one;
 *       measures.
 *   <li>{@link #clicks}: impression's id (2); time; click's id (2); watermark when it came; number of its texts, if
 *       closed windows are judged.
 *   <li>{@link #hits}: click's id (2), cell + 1: clicks that count in a cell.
 *   <li>{@link #byClick}, for unique ids: click's id (2), time, number of its texts.
 *   <li>{@link #pairs}, for duplicates: dedup key (2); click's time; click's id (2); number of its texts; impression's id
 *       (2), start of its slice, stamp, number of its key.
 * </ul>
 */
final class Slice {
    static final int OPEN = 1;
    static final int EARLY = 2;
    static final int CLOSED = 4;

    static final int HIT_WIDTH = 3;
    static final int BY_CLICK_WIDTH = 4;
    static final int PAIR_WIDTH = 11;

    private static final int TIME_BITS = 40;
    private static final long TIME_MASK = (1L << TIME_BITS) - 1;

    final long start;
    /** Of each window, which of the three above hold. */
    final byte[] states;

    SliceCells cells;
    SliceTable impressions;
    SliceTable clicks;
    SliceTable hits;
    SliceTable byClick;
    SliceTable pairs;
    SliceTexts keys;
    SliceTexts clickTexts;

    /** An empty slice, whose tables have room for what its neighbour holds; null: nothing is known. */
    Slice(long start, AttributionRules rules, Slice neighbour) {
        this(start, new byte[rules.windowsOfSlice]);
        cells = new SliceCells(rules.measures);
        impressions = new SliceTable(rules.impressionWidth(), neighbour == null ? 0 : neighbour.impressions.size());
        clicks = new SliceTable(rules.clickWidth(), neighbour == null ? 0 : neighbour.clicks.size());
        hits = new SliceTable(HIT_WIDTH);
        byClick = new SliceTable(BY_CLICK_WIDTH);
        pairs = new SliceTable(PAIR_WIDTH);
        keys = new SliceTexts();
        clickTexts = new SliceTexts();
    }

    private Slice(long start, byte[] states) {
        this.start = start;
        this.states = states;
    }

    long stamp(int cell, long time) {
        return (long) cell << TIME_BITS | (time - start + 1);
    }

    static int cell(long stamp) {
        return (int) (stamp >>> TIME_BITS);
    }

    long time(long stamp) {
        return start + (stamp & TIME_MASK) - 1;
    }

    long heap() {
        return 96
                + cells.heap()
                + impressions.bytes()
                + clicks.bytes()
                + hits.bytes()
                + byClick.bytes()
                + pairs.bytes()
                + keys.heap()
                + clickTexts.heap();
    }

    Slice copy() {
        Slice copy = new Slice(start, states.clone());
        copy.cells = cells.copy();
        copy.impressions = impressions.copy();
        copy.clicks = clicks.copy();
        copy.hits = hits.copy();
        copy.byClick = byClick.copy();
        copy.pairs = pairs.copy();
        copy.keys = keys.copy();
        copy.clickTexts = clickTexts.copy();
        return copy;
    }

    void write(DataOutput out) throws IOException {
        out.writeLong(start);
        out.write(states);
        cells.write(out);
        impressions.write(out);
        clicks.write(out);
        hits.write(out);
        byClick.write(out);
        pairs.write(out);
        keys.write(out);
        clickTexts.write(out);
    }

    static Slice read(DataInput in, AttributionRules rules) throws IOException {
        long start = in.readLong();
        byte[] states = new byte[rules.windowsOfSlice];
        in.readFully(states);
        Slice slice = new Slice(start, states);
        slice.cells = SliceCells.read(in, rules.measures);
        slice.impressions = SliceTable.read(in, rules.impressionWidth());
        slice.clicks = SliceTable.read(in, rules.clickWidth());
        slice.hits = SliceTable.read(in, HIT_WIDTH);
        slice.byClick = SliceTable.read(in, BY_CLICK_WIDTH);
        slice.pairs = SliceTable.read(in, PAIR_WIDTH);
        slice.keys = SliceTexts.read(in);
        slice.clickTexts = SliceTexts.read(in);
        return slice;
    }
}
