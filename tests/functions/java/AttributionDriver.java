package adclick;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/**
 * Drives the attribution without Flink: a case a block of lines with tabs on standard input, its rows on standard output.
 *
 * <pre>
 * case  buckets window attribution skew dedup unique early  dimensions measures keys
 * i     time id dimension... key... measure...      an impression
 * c     time id impression                          a click
 * w     watermark        rises, and fires the timers up to it
 * f                      lets live rows out
 * s                      state is written, read again, and goes on
 * k                      state is copied as for a checkpoint, goes on, and the copy that was put by is looked at again
 * b                      the bytes of the state on the heap
 * out   file             state is written into a file
 * in    file             state comes from a file
 * end                    the last watermark; then all rows of the case, and "done"
 * </pre>
 */
public final class AttributionDriver implements AttributionOutput {
    private static final String NULL = "\\N";

    private final PrintStream print;
    private AttributionRules rules;
    private AttributionBucket[] buckets;
    private final List<TreeSet<Long>> timers = new ArrayList<>();
    private final List<AttributionBucket> kept = new ArrayList<>();
    private final List<byte[]> keptBytes = new ArrayList<>();
    private final AttributionHash id = new AttributionHash();
    private final AttributionHash of = new AttributionHash();
    private long watermark = Long.MIN_VALUE;
    private int current;
    private String event;

    private AttributionDriver(PrintStream print) {
        this.print = print;
    }

    public static void main(String[] arguments) throws IOException {
        PrintStream print = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        AttributionDriver driver = new AttributionDriver(print);
        String line;
        while ((line = in.readLine()) != null) {
            String[] fields = line.split("\t", -1);
            try {
                driver.line(fields);
            } catch (RuntimeException | IOException error) {
                print.println("error\t" + error);
            }
            if (fields[0].equals("end")) {
                print.println("done");
                print.flush();
                driver = new AttributionDriver(print);
            }
        }
    }

    private void line(String[] f) throws IOException {
        switch (f[0]) {
            case "case":
                start(f);
                break;
            case "i":
                impression(f);
                break;
            case "c":
                click(f);
                break;
            case "w":
                rise(Long.parseLong(f[1]));
                break;
            case "f":
                for (AttributionBucket bucket : buckets) {
                    bucket.flush(this);
                }
                break;
            case "s":
                for (int at = 0; at < buckets.length; at++) {
                    buckets[at] = AttributionBucket.read(input(bytes(buckets[at])));
                    buckets[at].go(rules);
                }
                break;
            case "k":
                for (int at = 0; at < buckets.length; at++) {
                    kept.add(buckets[at]);
                    keptBytes.add(bytes(buckets[at]));
                    buckets[at] = buckets[at].copy();
                }
                break;
            case "b":
                print.println("bytes\t" + Arrays.stream(buckets).mapToLong(AttributionBucket::heap).sum());
                break;
            case "out":
                Files.write(Path.of(f[1]), bytes(buckets[0]));
                break;
            case "in":
                buckets[0] = AttributionBucket.read(input(Files.readAllBytes(Path.of(f[1]))));
                buckets[0].go(rules);
                for (int at = 0; at < buckets[0].sliceCount(); at++) {
                    Slice slice = buckets[0].slice(at);
                    timers.get(0).add(rules.removedAt(slice.start));
                    for (int window = 0; window < slice.states.length; window++) {
                        timers.get(0).add(rules.closesAt(slice.start + window * rules.window));
                    }
                }
                break;
            case "end":
                rise(Long.MAX_VALUE);
                for (int at = 0; at < kept.size(); at++) {
                    if (!Arrays.equals(bytes(kept.get(at)), keptBytes.get(at))) {
                        print.println("error\ta checkpoint was changed after it was taken");
                    }
                }
                for (AttributionBucket bucket : buckets) {
                    if (!bucket.isEmpty()) {
                        print.println("error\tstate is left");
                    }
                }
                break;
            default:
                throw new IllegalArgumentException(f[0]);
        }
    }

    private void start(String[] f) {
        rules =
                new AttributionRules(
                        Long.parseLong(f[2]),
                        Long.parseLong(f[3]),
                        Long.parseLong(f[4]),
                        Long.parseLong(f[5]),
                        Long.parseLong(f[6]),
                        Long.parseLong(f[7]),
                        true,
                        names("d", f[8]),
                        names("m", f[9]),
                        names("k", f[10]));
        buckets = new AttributionBucket[Integer.parseInt(f[1])];
        for (int at = 0; at < buckets.length; at++) {
            buckets[at] = new AttributionBucket(rules);
            timers.add(new TreeSet<>());
        }
    }

    private static List<String> names(String prefix, String count) {
        List<String> names = new ArrayList<>();
        for (int at = 0; at < Integer.parseInt(count); at++) {
            names.add(prefix + at);
        }
        return names;
    }

    private void impression(String[] f) {
        event = f[2];
        hash(f[2], id);
        SliceRow dimensions = new SliceRow();
        int at = 3;
        for (int number = 0; number < rules.dimensions.size(); number++) {
            text(f[at++], dimensions);
        }
        SliceRow key = new SliceRow();
        boolean isComplete = true;
        for (int number = 0; number < rules.dedupKey.size(); number++) {
            isComplete &= !f[at].equals(NULL) && !f[at].isEmpty();
            text(f[at++], key);
        }
        key.window(isComplete ? 1 : 0);
        long[] measures = new long[rules.measures];
        for (int number = 0; number < measures.length; number++) {
            measures[number] = Long.parseLong(f[at++]);
        }
        choose(id);
        buckets[current].impression(Long.parseLong(f[1]), id, dimensions, key, measures, watermark, this);
    }

    private void click(String[] f) {
        event = f[2];
        hash(f[2], id);
        hash(f[3], of);
        SliceRow texts = new SliceRow();
        text(f[2], texts);
        text(f[3], texts);
        choose(of);
        buckets[current].click(Long.parseLong(f[1]), of, id, texts, watermark, this);
    }

    private void choose(AttributionHash hash) {
        current = (int) Long.remainderUnsigned(hash.second, buckets.length);
    }

    private void rise(long to) {
        watermark = to;
        for (current = 0; current < buckets.length; current++) {
            while (!timers.get(current).isEmpty() && timers.get(current).first() <= to) {
                buckets[current].flush(this);
                buckets[current].advance(timers.get(current).pollFirst(), this);
            }
        }
    }

    private static void hash(String text, AttributionHash into) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        into.of(bytes, 0, bytes.length);
    }

    private static void text(String text, SliceRow into) {
        if (text.equals(NULL)) {
            into.addNull();
        } else {
            into.add(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    private static byte[] bytes(AttributionBucket bucket) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bucket.write(new DataOutputStream(bytes));
        return bytes.toByteArray();
    }

    private static DataInputStream input(byte[] bytes) {
        return new DataInputStream(new ByteArrayInputStream(bytes));
    }

    @Override
    public void timer(long time) {
        if (time > watermark) {
            timers.get(current).add(time);
        }
    }

    @Override
    public void live(Slice slice, int cell, long impressions, long clicks, long[] sums) {
        print.println(
                "live\t" + window(slice, cell) + "\t" + impressions + "\t" + clicks + "\t" + row(slice, cell) + sums(sums, cell));
    }

    @Override
    public void closed(
            boolean early,
            Slice slice,
            int cell,
            long impressions,
            long[] sums,
            boolean hasClick,
            long click,
            boolean valid) {
        print.println(
                (early ? "early\t" : "final\t")
                        + window(slice, cell)
                        + "\t"
                        + impressions
                        + "\t"
                        + (hasClick ? click : "")
                        + "\t"
                        + (valid ? 1 : 0)
                        + row(slice, cell)
                        + sums(sums, cell));
    }

    @Override
    public void late(boolean isClick, long windowStart) {
        print.println("late\t" + windowStart + "\t" + (isClick ? "c" : "i") + "\t" + event + "\t" + watermark);
    }

    private long window(Slice slice, int cell) {
        return slice.start + slice.cells.window(cell) * rules.window;
    }

    private String row(Slice slice, int cell) {
        SliceTexts texts = slice.cells.rows();
        StringBuilder row = new StringBuilder();
        int at = texts.begin(cell) + SliceRow.RESERVED;
        for (int number = 0; number < rules.dimensions.size(); number++) {
            int length = SliceRow.getInt(texts.bytes(), at);
            at += 4;
            row.append('\t').append(length < 0 ? NULL : new String(texts.bytes(), at, length, StandardCharsets.UTF_8));
            at += Math.max(0, length);
        }
        return row.toString();
    }

    private String sums(long[] sums, int cell) {
        StringBuilder row = new StringBuilder();
        for (int number = 0; number < rules.measures; number++) {
            int at = 2 * (cell * rules.measures + number);
            row.append('\t');
            row.append(sums == null ? "0" : new BigInteger(ByteBuffer.allocate(16).putLong(sums[at]).putLong(sums[at + 1]).array()));
        }
        return row.toString();
    }
}
