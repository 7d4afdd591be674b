import json
import os
import shutil
import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from cloud.ledger.fabric import identities, profiles
from cloud.ledger.fabric.certificates import ATTRIBUTES_OID
from contract.errors import NotFound, Rejected


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("network")
    identities.make(home, orderers=3)
    return home


def certificate(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def unit(of):
    return [attribute.value for attribute in of.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)]


def attributes(of):
    return json.loads(of.extensions.get_extension_for_oid(ATTRIBUTES_OID).value.value)


def test_every_member_is_signed_by_its_own_organisation_and_no_other(home):
    for organisation in identities.ORGANISATIONS:
        folder = home / "organisations" / organisation.name
        root = certificate(folder / "ca.pem")
        members = [*folder.glob("users/*/msp/signcerts/cert.pem"), *folder.glob("nodes/*/msp/signcerts/cert.pem")]
        assert members
        for path in members:
            certificate(path).verify_directly_issued_by(root)
            key = load_pem_private_key((path.parents[1] / "keystore" / "key.pem").read_bytes(), None)
            assert key.public_key() == certificate(path).public_key()
            for other in identities.ORGANISATIONS:
                if other is not organisation:
                    with pytest.raises(Exception, match=r"Issuer|issuer|signature"):
                        certificate(path).verify_directly_issued_by(certificate(home / "roots" / f"{other.mspid}.pem"))


def test_units_and_attributes_are_those_that_policies_and_chaincode_read(home):
    def member(path):
        return certificate(home / "organisations" / path / "msp/signcerts/cert.pem")

    assert unit(member("campus/users/recorder")) == ["client"]
    assert unit(member("campus/users/admin")) == ["admin"]
    assert unit(member("police/nodes/peer0")) == ["peer"]
    assert unit(member("orderer/nodes/orderer2")) == ["orderer"]
    assert attributes(member("campus/users/recorder")) == {"attrs": {"sentrybox.role": "recorder"}}
    assert attributes(member("campussec/users/recorder")) == {"attrs": {"sentrybox.role": "recorder"}}
    assert attributes(member("police/users/listener")) == {"attrs": {"sentrybox.role": "police"}}
    with pytest.raises(x509.ExtensionNotFound):
        attributes(member("campus/users/reader"))
    assert not (home / "organisations/campussec/nodes").exists()


def test_tls_certificates_serve_the_loopback_addresses_under_their_authority(home):
    paths = [*home.glob("organisations/*/nodes/*/tls/server.crt"), *home.glob("organisations/*/chaincode/*.crt")]
    paths = [path for path in paths if path.name != "ca.crt"]
    assert len(paths) == 3 + 2 + 4
    for path in paths:
        trusted = Store([certificate(path.parent / "ca.crt")])
        for name in (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))):
            PolicyBuilder().store(trusted).build_server_verifier(name).verify(certificate(path), [])


def test_keys_are_for_the_owner_only(home):
    keys = [*home.rglob("*.key"), *home.rglob("key.pem")]
    assert len(keys) > 20
    assert {stat.S_IMODE(os.stat(path).st_mode) for path in keys} == {0o600}


def test_roots_are_the_organisations_authorities(home):
    assert sorted(path.stem for path in (home / "roots").iterdir()) == [
        "CampusMSP", "CampusSecMSP", "OrdererMSP", "PoliceMSP"]
    assert (home / "roots/PoliceMSP.pem").read_bytes() == (home / "organisations/police/ca.pem").read_bytes()


def test_making_again_changes_nothing_and_mends_what_a_crash_left_out(tmp_path):
    identities.make(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    identities.make(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    # Killed after the authority's key and before its certificate, and before a user was there.
    folder = tmp_path / "organisations/police"
    (folder / "tlsca.pem").unlink()
    for name in ("users", "chaincode", "nodes", "msp"):
        shutil.rmtree(folder / name)
    identities.make(tmp_path)
    tls = certificate(folder / "nodes/peer0/tls/server.crt")
    tls.verify_directly_issued_by(certificate(folder / "tlsca.pem"))
    assert (folder / "ca.pem").read_bytes() == before[folder / "ca.pem"]


def test_an_authority_with_a_foreign_key_is_refused(tmp_path):
    identities.make(tmp_path)
    folder = tmp_path / "organisations"
    (folder / "campus/ca.key").write_bytes((folder / "police/ca.key").read_bytes())
    with pytest.raises(Rejected, match=r"ca.key is not the key of .*ca.pem"):
        identities.make(tmp_path)


def test_issuing_gives_one_more_user_with_any_times(home):
    folder = home / "organisations/campus"
    end = datetime.now(UTC) - timedelta(days=2)
    msp = identities.issue(folder, "late", attributes={"sentrybox.role": "recorder"}, not_after=end)
    late = certificate(msp / "signcerts/cert.pem")
    late.verify_directly_issued_by(certificate(folder / "ca.pem"))
    assert late.not_valid_after_utc == end.replace(microsecond=0)
    assert late.not_valid_before_utc < late.not_valid_after_utc
    assert (msp / "config.yaml").exists()
    first = (msp / "keystore/key.pem").read_bytes()
    identities.issue(folder, "late")
    assert (msp / "keystore/key.pem").read_bytes() != first
    with pytest.raises(NotFound, match=r"ca\.pem is missing"):
        identities.issue(home / "organisations/nobody", "someone")


def test_profiles_name_files_that_are_there(home):
    profiles.write(home, {"campus": "127.0.0.1:7051", "police": "127.0.0.1:8051"})
    campus = json.loads((home / "profiles/campus.json").read_text())
    police = json.loads((home / "profiles/police.json").read_text())
    assert [peer["mspid"] for peer in campus["peers"]] == ["CampusMSP", "PoliceMSP"]
    assert [peer["address"] for peer in police["peers"]] == ["127.0.0.1:8051", "127.0.0.1:7051"]
    assert campus["channels"]["police"]["mspid"] == "CampusSecMSP"
    assert {entry["mspid"] for entry in police["channels"].values()} == {"PoliceMSP"}
    for profile in (campus, police):
        named = [peer["tls_ca"] for peer in profile["peers"]]
        named += [entry[part] for entry in profile["channels"].values() for part in ("certificate", "key")]
        assert all((home / "profiles" / path).is_file() for path in named)
