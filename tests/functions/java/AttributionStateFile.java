package adclick;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputViewStreamWrapper;

/**
 * Puts state together as a savepoint does, or takes it apart: {@code write STATE FILE} or {@code read FILE STATE}.
 *
 * <p>A file holds the serializer's snapshot and the state of one bucket; {@code STATE} is the latter alone, as {@link
 * AttributionDriver} writes it.
 */
public final class AttributionStateFile {
    private AttributionStateFile() {}

    public static void main(String[] arguments) throws IOException {
        byte[] bytes = Files.readAllBytes(Path.of(arguments[1]));
        Path to = Path.of(arguments[2]);
        Files.write(to, arguments[0].equals("write") ? together(bytes) : apart(bytes));
    }

    private static byte[] together(byte[] state) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputViewStreamWrapper out = new DataOutputViewStreamWrapper(bytes);
        TypeSerializer<AttributionBucket> serializer = AttributionStateSerializer.INSTANCE;
        TypeSerializerSnapshot.writeVersionedSnapshot(out, serializer.snapshotConfiguration());
        serializer.serialize(serializer.deserialize(new DataInputDeserializer(state)), out);
        return bytes.toByteArray();
    }

    private static byte[] apart(byte[] file) throws IOException {
        DataInputDeserializer in = new DataInputDeserializer(file);
        TypeSerializerSnapshot<AttributionBucket> before =
                TypeSerializerSnapshot.readVersionedSnapshot(in, AttributionStateFile.class.getClassLoader());
        TypeSerializerSnapshot<AttributionBucket> now = AttributionStateSerializer.INSTANCE.snapshotConfiguration();
        if (!now.resolveSchemaCompatibility(before).isCompatibleAsIs()) {
            throw new IOException("the serializer refuses this state");
        }
        AttributionBucket bucket = before.restoreSerializer().deserialize(in);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        AttributionStateSerializer.INSTANCE.serialize(bucket, new DataOutputViewStreamWrapper(bytes));
        return bytes.toByteArray();
    }
}
