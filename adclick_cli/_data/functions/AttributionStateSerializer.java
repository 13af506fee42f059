package adclick;

import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** The state of a bucket in checkpoints and savepoints; each begins with the number of its format. */
public final class AttributionStateSerializer extends TypeSerializerSingleton<AttributionBucket> {
    public static final AttributionStateSerializer INSTANCE = new AttributionStateSerializer();

    private static final long serialVersionUID = 1L;
    private static final AttributionRules NO_RULES =
            new AttributionRules(1, 0, 0, 0, 0, 0, false, List.of(), List.of(), List.of());

    @Override
    public boolean isImmutableType() {
        return false;
    }

    @Override
    public AttributionBucket createInstance() {
        return new AttributionBucket(NO_RULES);
    }

    @Override
    public AttributionBucket copy(AttributionBucket from) {
        return from.copy();
    }

    @Override
    public AttributionBucket copy(AttributionBucket from, AttributionBucket reuse) {
        return from.copy();
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public void serialize(AttributionBucket bucket, DataOutputView target) throws IOException {
        bucket.write(target);
    }

    @Override
    public AttributionBucket deserialize(DataInputView source) throws IOException {
        return AttributionBucket.read(source);
    }

    @Override
    public AttributionBucket deserialize(AttributionBucket reuse, DataInputView source) throws IOException {
        return AttributionBucket.read(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        AttributionBucket.read(source).write(target);
    }

    @Override
    public TypeSerializerSnapshot<AttributionBucket> snapshotConfiguration() {
        return new Snapshot();
    }

    /** Which format a savepoint was written in: an older one is read as it is, a newer one is refused. */
    public static final class Snapshot implements TypeSerializerSnapshot<AttributionBucket> {
        private static final int VERSION = 1;

        private int format = AttributionBucket.FORMAT;

        @Override
        public int getCurrentVersion() {
            return VERSION;
        }

        @Override
        public void writeSnapshot(DataOutputView out) throws IOException {
            out.writeInt(format);
        }

        @Override
        public void readSnapshot(int version, DataInputView in, ClassLoader loader) throws IOException {
            if (version != VERSION) {
                throw new IOException("attribution: serializer snapshot of version " + version);
            }
            format = in.readInt();
        }

        @Override
        public TypeSerializer<AttributionBucket> restoreSerializer() {
            return INSTANCE;
        }

        @Override
        public TypeSerializerSchemaCompatibility<AttributionBucket> resolveSchemaCompatibility(
                TypeSerializerSnapshot<AttributionBucket> before) {
            if (!(before instanceof Snapshot) || ((Snapshot) before).format > AttributionBucket.FORMAT) {
                return TypeSerializerSchemaCompatibility.incompatible();
            }
            return TypeSerializerSchemaCompatibility.compatibleAsIs();
        }
    }
}
