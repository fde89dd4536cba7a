"""Executors of others share the work: the same answers bit for bit and in order, and their ends are errors of ours."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

import numpy as np
import pytest
from test_streams import CASES, METHODS, shards
from test_worker_pool import Deadly, code

import diffkit as dk

POINTS = np.array([[0.5 * k, 1 - 0.25 * k] for k in range(40)])
EXECUTORS = ["dask", "loky", *get_all_start_methods(), "workers", "default"]


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request):
    """Who shares work, of two processes each."""
    if request.param == "dask":
        distributed = pytest.importorskip("distributed")
        dask = pytest.importorskip("dask")
        with (
            dask.config.set({"distributed.admin.system-monitor.gil.enabled": False}),
            distributed.LocalCluster(2, processes=True, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client.get_executor()
    elif request.param == "loky":
        pool = pytest.importorskip("loky").get_reusable_executor(2)
        yield pool
        pool.shutdown()
    elif request.param == "workers":
        yield 2
    else:
        context = None if request.param == "default" else get_context(request.param)
        with ProcessPoolExecutor(2, context) as pool:
            yield pool


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    dk.report(CASES, backends=METHODS, rows=folder / "rows", shard_rows=20)
    return {
        "report": dk.report(CASES, backends=METHODS),
        "shards": shards(folder / "rows"),
        "gradient": dk.gradient("x^2*abs(y)", POINTS),
        "code": dk.gradient(code, POINTS),
    }


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # Python 3.12 says of threads what we know
def test_answers_are_those_of_one_process(executor, alone, tmp_path):
    assert dk.report(CASES, backends=METHODS, workers=executor) == alone["report"]
    dk.report(CASES, backends=METHODS, workers=executor, rows=tmp_path / "rows", shard_rows=20)
    assert shards(tmp_path / "rows") == alone["shards"]
    shared = dk.gradient("x^2*abs(y)", POINTS, workers=executor)
    assert repr(shared.flat.tolist()) == repr(alone["gradient"].flat.tolist())
    assert shared == alone["gradient"]
    assert repr(dk.gradient(code, POINTS, workers=executor).flat.tolist()) == repr(alone["code"].flat.tolist())


def test_an_executor_whose_processes_die_ends_the_run_with_what_it_found(tmp_path):
    loky = pytest.importorskip("loky")
    pool = loky.get_reusable_executor(2)
    with pytest.raises(dk.WorkerError, match="the executor could not run a call: TerminatedWorkerError") as caught:
        dk.report([CASES[0]] * 200 + CASES, backends=[Deadly()], workers=pool, rows=tmp_path / "rows")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "rows" / "_journal.jsonl").exists()
    again = loky.get_reusable_executor(2)
    with pytest.raises(dk.WorkerError):
        dk.report([CASES[0]] * 200 + CASES, backends=[Deadly()], workers=again, rows=tmp_path / "rows", resume=True)
    loky.get_reusable_executor(2).shutdown()
    found = dk.report(
        [CASES[0]] * 200 + CASES, backends=[Deadly()], workers=2, rows=tmp_path / "rows", resume=True, row_format=None
    )
    assert found.points == 200 + len(CASES)
    assert found.verdicts["failed"] == sum("abs" in case["expr"] for case in CASES)


def test_joblib_by_the_recipe(alone, tmp_path, monkeypatch):
    """docs/scale.md: parts by joblib, and one report on all of them."""
    joblib = pytest.importorskip("joblib")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(dk.__file__).parents[1]), str(Path(__file__).parent)]))
    parts = [CASES[:20], CASES[20:]]
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(dk.report)(part, backends=METHODS) for part in parts)
    merged = dk.merge_reports(*found)
    assert merged.summary == alone["report"].summary
    assert merged.verdicts == alone["report"].verdicts
