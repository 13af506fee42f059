package adclick;

/** What the attribution has to say; the caller makes rows of it. */
interface AttributionOutput {
    /** Asks for {@link AttributionBucket#advance} once the watermark has reached a time, in ms since the epoch. */
    void timer(long time);

    /**
     * What was added to a cell since the last time.
     *
     * @param sums two longs for each measure, those of the cell at {@code 2 * measures * cell}.
     */
    void live(Slice slice, int cell, long impressions, long clicks, long[] sums);

    /**
     * A part of a closed window; all parts of it together are its counts.
     *
     * @param early whether it tells the clicks of the early answer's time alone.
     * @param sums as in {@link #live}; null: nothing is to be added.
     * @param click half of the hash of a click's id; the same click may be told by several buckets.
     * @param hasClick whether it tells a click at all.
     * @param valid whether that click is no duplicate.
     */
    void closed(
            boolean early,
            Slice slice,
            int cell,
            long impressions,
            long[] sums,
            boolean hasClick,
            long click,
            boolean valid);

    /** The event at hand came too late to count in the window that begins at {@code windowStart}. */
    void late(boolean isClick, long windowStart);
}
