"""A bug in the core is an exception, not the end of the process."""

import overproof as op
import pytest
from overproof import _core


@pytest.mark.skipif(
    not _core.DEBUG_BUILD, reason="a release build has no function that panics; make test uses a build that has"
)
def test_a_panic_becomes_an_internal_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(op.InternalError, match=r"a panic on purpose.*bug in overproof"):
        _core._panic_for_test()
    assert "a panic on purpose" in capfd.readouterr().err, "the place is printed for the report of the bug"
    assert op.normalize(["Still Works"]) == ["still works"]
