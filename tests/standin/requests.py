"""What a running chaincode function asks of its peer: reads, writes, range scans, history."""

from collections.abc import Iterator
from concurrent.futures import Future, InvalidStateError
from itertools import count

from fabric_protos.ledger.queryresult.kv_query_result_pb2 import KV, KeyModification
from fabric_protos.peer.chaincode_shim_pb2 import (
    ChaincodeMessage,
    DelState,
    GetHistoryForKey,
    GetState,
    GetStateByRange,
    GetStateMetadata,
    PutState,
    QueryResponse,
    QueryResultBytes,
    QueryStateClose,
    QueryStateNext,
    StateMetadataResult,
)
from google.protobuf.message import DecodeError

from tests.standin.state import Simulation

M = ChaincodeMessage
BATCH = 100  # results per message of a query, as at a peer


class Refused(Exception):
    """Goes back to the chaincode as an ERROR message."""


class Running:
    """One transaction that a chaincode process is executing."""

    SERVED = frozenset(
        {
            M.GET_STATE, M.PUT_STATE, M.DEL_STATE, M.GET_STATE_BY_RANGE, M.QUERY_STATE_NEXT, M.QUERY_STATE_CLOSE,
            M.GET_HISTORY_FOR_KEY, M.GET_STATE_METADATA, M.PUT_STATE_METADATA, M.GET_QUERY_RESULT,
            M.INVOKE_CHAINCODE, M.GET_PRIVATE_DATA_HASH, M.PURGE_PRIVATE_DATA,
        }
    )  # fmt: skip

    def __init__(self, namespace: str, simulation: Simulation) -> None:
        self.answer: Future[M] = Future()
        self._namespace, self._simulation = namespace, simulation
        self._queries: dict[str, Iterator[QueryResultBytes]] = {}
        self._numbers = count(1)

    def fail(self, error: Exception) -> None:
        try:
            self.answer.set_exception(error)
        except InvalidStateError:
            return  # it had ended just before

    def serve(self, message: M) -> M:
        """The RESPONSE, or an ERROR that says what is wrong."""
        try:
            payload = self._serve(message.type, message.payload)
        except (Refused, DecodeError) as error:
            return _error(message, str(error))
        return M(type=M.RESPONSE, payload=payload, txid=message.txid, channel_id=message.channel_id)

    @staticmethod
    def without_context(message: M) -> M:
        return _error(message, "no ledger context")

    def _serve(self, kind: int, payload: bytes) -> bytes:
        match kind:
            case M.GET_STATE:
                get = GetState.FromString(payload)
                _public(get.collection)
                return self._simulation.get(self._namespace, get.key) or b""
            case M.PUT_STATE:
                put = PutState.FromString(payload)
                _public(put.collection)
                self._simulation.put(self._namespace, put.key, put.value)
                return b""
            case M.DEL_STATE:
                delete = DelState.FromString(payload)
                _public(delete.collection)
                self._simulation.put(self._namespace, delete.key, None)
                return b""
            case M.GET_STATE_METADATA:
                metadata = GetStateMetadata.FromString(payload)
                _public(metadata.collection)
                self._simulation.get(self._namespace, metadata.key)
                return StateMetadataResult().SerializeToString()
            case M.GET_STATE_BY_RANGE:
                return self._batch(str(next(self._numbers)), self._range(GetStateByRange.FromString(payload)))
            case M.GET_HISTORY_FOR_KEY:
                return self._batch(str(next(self._numbers)), self._history(GetHistoryForKey.FromString(payload).key))
            case M.QUERY_STATE_NEXT:
                identifier = QueryStateNext.FromString(payload).id
                if identifier not in self._queries:
                    raise Refused("query iterator not found")
                return self._batch(identifier, self._queries.pop(identifier))
            case M.QUERY_STATE_CLOSE:
                identifier = QueryStateClose.FromString(payload).id
                self._queries.pop(identifier, None)
                return QueryResponse(id=identifier).SerializeToString()
        raise Refused(f"the stand-in does not serve {M.Type.Name(kind)}")

    def _batch(self, identifier: str, results: Iterator[QueryResultBytes]) -> bytes:
        batch: list[QueryResultBytes] = []
        for result in results:
            if len(batch) == BATCH:
                # Like a peer, one result was fetched too early to know that there are more.
                self._queries[identifier] = _chained(result, results)
                break
            batch.append(result)
        more = identifier in self._queries
        return QueryResponse(results=batch, has_more=more, id=identifier).SerializeToString()

    def _range(self, query: GetStateByRange) -> Iterator[QueryResultBytes]:
        _public(query.collection)
        if query.metadata:
            raise Refused("the stand-in does not serve pages of a range")
        scan = self._simulation.scan(self._namespace, query.startKey, query.endKey)
        return self._scanned(scan)

    def _scanned(self, scan: object) -> Iterator[QueryResultBytes]:
        while (pair := scan.next()) is not None:
            key, value = pair
            yield _result(KV(namespace=self._namespace, key=key, value=value.value))

    def _history(self, key: str) -> Iterator[QueryResultBytes]:
        """The newest first, as a peer since 2.0 has it; history is not part of the read set."""
        for change in reversed(self._simulation.state.history.get((self._namespace, key), ())):
            yield _result(
                KeyModification(
                    tx_id=change.transaction,
                    value=change.value or b"",
                    timestamp=change.time,
                    is_delete=change.value is None,
                )
            )


def _result(message: KV | KeyModification) -> QueryResultBytes:
    return QueryResultBytes(resultBytes=message.SerializeToString())


def _chained(first: QueryResultBytes, rest: Iterator[QueryResultBytes]) -> Iterator[QueryResultBytes]:
    yield first
    yield from rest


def _public(collection: str) -> None:
    if collection:
        raise Refused(f"collection {collection} could not be found")


def _error(message: M, why: str) -> M:
    name = M.Type.Name(message.type)
    return M(
        type=M.ERROR,
        payload=f"{name} failed: transaction ID: {message.txid}: {why}".encode(),
        txid=message.txid,
        channel_id=message.channel_id,
    )
