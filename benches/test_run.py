"""What `python -m benches.run` is asked, and what it says of engines that are not there."""

import pytest

from benches import corpora, run
from benches.run import CORPORA, TASKS, absence, asked


def test_nothing_asked_is_everything() -> None:
    options = asked([])
    assert (options.tasks, options.corpus, options.rounds) == ([], [], 5)
    assert asked(["lsh", "stages", "--corpus", "made"]).tasks == ["lsh", "stages"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuch"], f"'nosuch' is no task: give {', '.join(TASKS)}"),
        (["minhash", "--corpus", "klingon"], f"'klingon' is no corpus: give {', '.join(CORPORA)}"),
        (["minhash", "--corpus", "english"], "name it by OVERPROOF_SHARED_DATA, or give made"),
    ],
)
def test_what_is_unknown_is_told_with_what_there_is(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(corpora, "available", lambda: ["made"])
    with pytest.raises(SystemExit) as ended:
        asked(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_absent_engines_are_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = {"rensa": "no module", "simhash": "no home", "gaoya": "no module"}
    assert absence(absent) == "absent: rensa, gaoya (no module); simhash (no home)"
    monkeypatch.setattr("sys.argv", ["run", "minhash", "--no-record"])
    monkeypatch.setattr(run, "run", lambda *_: {"cases": [], "absent": absent})
    run.main()
    assert capsys.readouterr().out == f"\n{absence(absent)}\n"
