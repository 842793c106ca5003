"""How long the usage-contract request takes to become a PDF, cold and warm."""

import statistics
import subprocess
import sys
import time

from bench.measures import measure
from core.documents import render_pdf
from tests.core.test_documents import REQUEST

_COLD = """
import time
from core.documents import render_pdf
from tests.core.test_documents import REQUEST
start = time.perf_counter()
render_pdf("usage_contract_request", REQUEST)
print(time.perf_counter() - start)
"""


@measure("request_pdf_cold", goal="<= 0.5", unit="s", base="first of a new process, median of 5")
def render_cold() -> float:
    """Return the seconds of the first two-page request that a new worker makes."""
    runs = [
        subprocess.run([sys.executable, "-c", _COLD], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    return statistics.median(float(run.stdout) for run in runs)


@measure("request_pdf", goal="<= 0.5", unit="s", base="two pages, slowest of 10 after the first")
def render_warm() -> float:
    """Return the slowest of ten further requests in seconds, each with its own number."""
    render_pdf("usage_contract_request", REQUEST)
    durations = []
    for number in range(10):
        start = time.perf_counter()
        render_pdf("usage_contract_request", {**REQUEST, "number": f"令和8-{number:04d}"})
        durations.append(time.perf_counter() - start)
    return max(durations)
