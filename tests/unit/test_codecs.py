"""Every codec that Kafka has: its messages are read by kafka-python and told of where they cannot be."""

from __future__ import annotations

import io
import struct
from typing import Any

import kafka.codec
import pytest
import zstandard
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.record.util import calc_crc32c

from adclick_cli.broker import consumer
from adclick_cli.errors import BrokerError
from adclick_cli.flink.rest import root_causes
from adclick_cli.security import Servers

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
PLACE = TopicPartition("ad-impressions", 3)
ATTRIBUTES, HEADER = 21, 61
"""Bytes of a record batch: where its attributes begin (the codec is their last three bits), and its records."""

SERVERS = Servers("127.0.0.1:9092")


def _batch(codec: str, values: list[bytes]) -> bytes:
    """A record batch as a producer sends it."""
    builder = MemoryRecordsBuilder(2, CODECS[codec], 1 << 24)
    for value in values:
        assert builder.append(timestamp=1_700_000_000_000, key=b"k", value=value, headers=[]) is not None
    builder.close()
    made = bytes(builder.buffer())
    assert made[ATTRIBUTES + 1] & 7 == CODECS[codec]
    return made


def _read(batch: bytes) -> list[consumer.Message]:
    """The messages of a batch, through what kafka-python's consumer does with an answer of the broker."""
    fetched: Any = Fetcher.PartitionRecords(0, PLACE, MemoryRecords(batch))
    return [consumer.message(record) for record in fetched.take()]


@pytest.mark.parametrize("codec", CODECS)
def test_a_message_of_each_codec_is_read(codec: str) -> None:
    values = [b'{"impression_id": "%d"}' % number for number in range(100)]
    read = _read(_batch(codec, values))
    assert [(one.offset, one.value, one.key) for one in read] == [(at, value, b"k") for at, value in enumerate(values)]


def test_a_zstd_batch_is_read_whatever_its_size_and_without_one_in_its_frame() -> None:
    """Java's producers compress a stream, of which nobody knows the length at its start."""
    plain, values = _batch("none", [b"x" * 3_000_000]), io.BytesIO()
    with zstandard.ZstdCompressor(write_content_size=False).stream_writer(values, closefd=False) as writer:
        writer.write(plain[HEADER:])
    packed = bytearray(plain[:HEADER]) + values.getvalue()
    struct.pack_into(">i", packed, 8, len(packed) - 12)
    struct.pack_into(">h", packed, ATTRIBUTES, CODECS["zstd"])
    struct.pack_into(">I", packed, 17, calc_crc32c(packed[ATTRIBUTES:]))
    assert [len(one.value or b"") for one in _read(bytes(packed))] == [3_000_000]


def test_a_codec_that_is_not_installed_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = _batch("snappy", [b"{}" * 100])
    monkeypatch.setattr(kafka.codec, "snappy", None)
    with pytest.raises(Exception, match="snappy") as caught:
        _read(batch)
    told = consumer.unreadable(SERVERS, caught.value)
    assert isinstance(told, BrokerError)
    assert "compressed" in told.what
    assert "snappy" in told.why
    assert "pip install 'kafka-python[lz4,snappy,zstd]'" in told.mend


TRACE = """java.lang.NoClassDefFoundError: com/github/luben/zstd/BufferPool
\tat org.apache.flink.kafka.shaded.org.apache.kafka.common.compress.ZstdCompression.wrapForInput
Caused by: java.lang.ClassNotFoundException: com.github.luben.zstd.BufferPool
\t... 18 more"""


def test_a_flink_without_the_classes_of_zstd_is_told_which_jar_it_lacks() -> None:
    assert all(
        "zstd-jni-" in line and "lib/" in line and "docs/remote.md" in line for line in root_causes(TRACE).splitlines()
    )
    assert (
        root_causes("java.lang.ClassNotFoundException: org.example.A")
        == "java.lang.ClassNotFoundException: org.example.A"
    )
