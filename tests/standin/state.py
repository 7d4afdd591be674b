"""The world state of a channel at one peer, and a simulation over it that notes what was read and written."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fabric_protos.ledger.rwset.kvrwset.kv_rwset_pb2 import KVRead, KVRWSet, KVWrite, RangeQueryInfo, Version
from fabric_protos.ledger.rwset.rwset_pb2 import NsReadWriteSet, TxReadWriteSet
from google.protobuf.timestamp_pb2 import Timestamp

Key = tuple[str, str]  # namespace, key


class Value(NamedTuple):
    """A committed value, and where it was written."""

    value: bytes
    block: int
    position: int

    @property
    def version(self) -> Version:
        return Version(block_num=self.block, tx_num=self.position)


class Change(NamedTuple):
    """One line of a key's history. value None: deleted."""

    transaction: str
    value: bytes | None
    time: Timestamp


class State(NamedTuple):
    """Never changed: a block makes a new one, so a simulation keeps seeing what it began with."""

    values: Mapping[Key, Value]
    history: Mapping[Key, tuple[Change, ...]]

    def between(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, Value]]:
        """Keys from start on and before end ("" is no bound), in order."""
        keys = sorted(
            key for space, key in self.values if space == namespace and key >= start and (key < end or not end)
        )
        return ((key, self.values[namespace, key]) for key in keys)


def same(version: Version | None, value: Value | None) -> bool:
    """Whether a read's version is that of the committed value."""
    if version is None or value is None:
        return version is None and value is None
    return (version.block_num, version.tx_num) == (value.block, value.position)


class Scan:
    """A range query under way. What it has shown so far goes into the read set, as a peer does it."""

    def __init__(self, pairs: Iterator[tuple[str, Value]], start: str, end: str) -> None:
        self._pairs, self._end = pairs, end
        self.info = RangeQueryInfo(start_key=start, itr_exhausted=False)
        self.info.raw_reads.SetInParent()

    def next(self) -> tuple[str, Value] | None:
        pair = next(self._pairs, None)
        if pair is None:
            self.info.itr_exhausted, self.info.end_key = True, self._end
        else:
            self.info.end_key = pair[0]
            self.info.raw_reads.kv_reads.append(KVRead(key=pair[0], version=pair[1].version))
        return pair


class Simulation:
    """One run of a chaincode function. Reads see the state of its beginning, never its own writes."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._reads: dict[Key, Value | None] = {}
        self._writes: dict[Key, bytes | None] = {}
        self._scans: list[tuple[str, Scan]] = []

    def get(self, namespace: str, key: str) -> bytes | None:
        value = self._reads[namespace, key] = self.state.values.get((namespace, key))
        return value.value if value else None

    def put(self, namespace: str, key: str, value: bytes | None) -> None:
        self._writes[namespace, key] = value

    def scan(self, namespace: str, start: str, end: str) -> Scan:
        scan = Scan(self.state.between(namespace, start, end), start, end)
        self._scans.append((namespace, scan))
        return scan

    def results(self) -> bytes:
        """TxReadWriteSet, namespaces and keys in order."""
        sets: dict[str, KVRWSet] = {}
        for (namespace, key), value in sorted(self._reads.items(), key=lambda item: item[0]):
            read = KVRead(key=key, version=value.version if value else None)
            sets.setdefault(namespace, KVRWSet()).reads.append(read)
        for namespace, scan in self._scans:
            sets.setdefault(namespace, KVRWSet()).range_queries_info.append(scan.info)
        for (namespace, key), written in sorted(self._writes.items(), key=lambda item: item[0]):
            write = KVWrite(key=key, is_delete=written is None, value=written or b"")
            sets.setdefault(namespace, KVRWSet()).writes.append(write)
        return TxReadWriteSet(
            data_model=TxReadWriteSet.KV,
            ns_rwset=[NsReadWriteSet(namespace=name, rwset=sets[name].SerializeToString()) for name in sorted(sets)],
        ).SerializeToString()
