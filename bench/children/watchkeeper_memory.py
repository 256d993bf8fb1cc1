"""Summarise one file in batches and report the peak memory: ``watchkeeper_memory.py SAMPLE FILE 1``."""

from __future__ import annotations

from timing import answer, arguments, seconds

from watchkeeper.core.batch import Batch
from watchkeeper.core.spec import Spec
from watchkeeper.ingest.sources import open_table
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.summarise import summarise

sample, path, runs = arguments()
schema = infer_schema(open_table(sample).sample(50_000))
spec = Spec("bench", schema)
times = seconds(lambda: summarise((Batch(frame, schema) for frame in open_table(path).batches()), spec), runs)
answer({"summarise": times}, ["watchkeeper"])
