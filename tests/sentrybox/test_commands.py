"""The command line: help that teaches, errors in words, statuses that scripts can use."""

import pytest

from sentrybox.cli import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_teaches(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 5


def test_an_unknown_command_names_the_known_ones(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["bocks"])
    assert ended.value.code == 2
    assert "'box'" in capsys.readouterr().err


def test_verify_says_what_cannot_be_read_and_what_is_no_proof(tmp_path, capsys):
    assert main(["verify", str(tmp_path / "absent.json")]) == 2
    assert "cannot read" in capsys.readouterr().err
    file = tmp_path / "proof.json"
    file.write_text("{}")
    assert main(["verify", str(file)]) == 1
    assert "REJECTED" in capsys.readouterr().out


def test_a_configuration_error_ends_with_status_1_and_names_the_key(tmp_path, capsys):
    file = tmp_path / "box.toml"
    file.write_text('box = "box-1"\nhoem = "x"\n')
    assert main(["box", "--config", str(file)]) == 1
    assert "hoem: unknown key" in capsys.readouterr().err


