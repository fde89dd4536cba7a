"""Data files that are broken: one line that names the file, the row and what is wrong; nothing is dropped silently."""

import json

import numpy as np
import pytest

import diffkit as dk


def refused(run, *arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if line.startswith("diffkit:")]
    return line


def write(name, text):
    with open(name, "w") as stream:
        stream.write(text)


FIRST_ROWS = [
    (",5\n2,6\n3,7\n", "line 1: cell 1 is empty"), ("1,\n2,6\n", "line 1: cell 2 is empty"),
    ("1,n/a\n2,6\n", "line 1: cell 2 is 'n/a'"), ("\nn/a\n2\n", "line 2: cell 1 is 'n/a'"),
    ("nan,b\n1,2\n", "line 1: cell 2 is 'b'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), FIRST_ROWS)
def test_a_broken_first_row_is_no_header(run, text, says):
    write("q.csv", text)
    assert f"q.csv, {says}, not a number" in refused(run, "grad", "sum(Q)*w", "--data", "Q=q.csv", "--at", "w=0")


def test_a_header_may_leave_a_column_unnamed(run):
    write("frame.csv", ",X\n0,5\n1,6\n")  # as pandas writes the index
    code, out, _ = run("grad", "sum(X)*w", "--data", "frame.csv", "--at", "w=0", "--format", "json")
    assert (code, json.loads(out)["value"]) == (0, [11])


BROKEN = [
    ("null.json", '{"X": [1, null]}', "null.json: X[1] is null, not a real number"),
    ("text.json", '{"X": [[1, 2], [3, "a"]]}', "text.json: X[1, 1] is 'a', not a real number"),
    ("record.json", '[{"X": 1, "y": 2}, {"X": "q"}]', "record.json, record 2: y is missing"),
    ("word.json", '[{"y": 1, "X": 2}, {"y": 3, "X": "q"}]', "word.json, record 2: X = 'q' is not a number"),
    ("list.json", '[{"X": 2}, {"X": [1]}]', "list.json, record 2: X = [1] is not a real number"),
    ("true.jsonl", '{"X": 2}\n{"X": true}\n', "true.jsonl, line 2: X = True is a truth value"),
    ("nan.csv", "X,y\n1,2\nnan,2\n", "nan.csv, line 3: X is nan"),
    ("bad.jsonl", '{"X": 1}\n{"X" 2}\n', "bad.jsonl, line 2: not JSON: Expecting ':' delimiter, column 6"),
    ("odd.json", '{"X": [1, 9007199254740993]}', "odd.json: X[1] = 9007199254740993 is no binary64 number"),
    ("odd.csv", "X\n1\n9007199254740993\n", "odd.csv, line 3: X = 9007199254740993 is no binary64 number"),
    ("odd.jsonl", '{"X": 1}\n{"X": -9007199254740993}\n', "odd.jsonl, line 2: X = -9007199254740993 is no binary64"),
    ("huge.json", '{"X": [1, 1%s]}' % ("0" * 400), "huge.json: X holds an integer beyond binary64"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "says"), BROKEN, ids=[name for name, _, _ in BROKEN])
def test_the_place_of_what_is_no_number(run, name, text, says):
    write(name, text)
    assert says in refused(run, "grad", "sum(X)*w", "--data", name, "--at", "w=0")


def test_records_may_hold_text_that_nothing_asks_for(run):
    write("r.json", '[{"who": "a", "X": 1}, {"who": "b", "X": 9007199254740992}]')
    code, out, _ = run("grad", "sum(X)*w", "--data", "r.json", "--at", "w=0", "--format", "json")
    assert (code, json.loads(out)["value"]) == (0, [2.0**53])


def test_integers_that_binary64_would_round_are_refused():
    X = np.array([[0, 2**53], [2**62, 2**53 + 1]])
    with pytest.raises(dk.PointError, match=r"X\[1, 1\] = 9007199254740993 is no binary64 number"):
        dk.arrays("sum(X)*w", X=X)
    with pytest.raises(dk.PointError, match="is no binary64 number"):
        dk.arrays("c*w", c=np.uint64(2**64 - 1))
    exact = dk.arrays("sum(X)*w", X=[2**70, 2**53 + 2, -1])
    assert dk.gradient(exact, {"w": 1.0}).value[0] == float(2**70 + 2**53 + 1)


def test_a_file_that_is_no_numpy_file(run):
    write("fake.npy", "hello")
    write("fake.npz", "hello")
    for name in ("fake.npy", "fake.npz"):
        assert f"cannot read {name}: it is no NumPy file" in refused(
            run, "grad", "sum(X)*w", "--data", f"X={name}", "--at", "w=0"
        )
    np.save("cut.npy", np.ones(100))
    with open("cut.npy", "r+b") as stream:
        stream.truncate(200)
    assert "cannot read cut.npy: it is broken" in refused(run, "grad", "sum(X)*w", "--data", "X=cut.npy", "--at", "w=0")


def test_a_device_without_an_end(run, monkeypatch):
    monkeypatch.setattr("diffkit.core.files.LONGEST_FILE", 2**16)
    says = refused(run, "grad", "sum(X)*w", "--data", "X=/dev/zero", "--at", "w=0")
    assert "cannot read /dev/zero: it has no end, or more than 65,536 characters" in says


def test_names_given_as_variables_are_not_taken_from_a_file(run):
    write("d.csv", "X,w\n1,7\n2,8\n")
    question = ("grad", "sum(X)*w", "--data", "d.csv", "--at", "w=0")
    assert "--variables" in refused(run, *question)
    code, out, _ = run(*question, "--variables", "w", "--format", "json")
    assert (code, json.loads(out)["value"]) == (0, [3])
