# SPDX-License-Identifier: MIT
"""Made-up measurements of speed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganbench.records.speed_record import CASE_KEY, find_speeds, write_speeds
from ganbench.report.speed.speed_section import Speed, speed
from ganbench.report.write import ReportFiles, write_report

PEAKS = {"fp32": 187.2, "medium": 240.0, "bf16": 402.0}
SIZES = {"vanilla": (0.004, 9800.0), "dcgan": (0.21, 812.0), "wgan-gp": (0.55, 290.0)}
NAMES = {"cpu": "Example CPU @ 3.0 GHz", "cuda": "Example GPU 80GB"}


class MadeUp:
    """Builds cases, documents and folders of documents."""

    @staticmethod
    def environment(device: str, threads: int = 2) -> dict[str, Any]:
        return {
            "schema": 1,
            "python": "3.11.7",
            "kernel": "6.1.0",
            "processor": NAMES["cpu"],
            "threads": threads,
            "device": device,
            "torch": {"gpu": NAMES["cuda"]} if device == "cuda" else {},
            "packages": {"torch": "2.14.1", "ganbench": "0.1.0"},
        }

    @staticmethod
    def case(model: str, batch: int, **changes: Any) -> dict[str, Any]:
        """Return a case that went well; larger batches are somewhat faster, a GPU fifty times."""
        device = changes.get("device", "cpu")
        precision = changes.get("precision", "fp32")
        gflop, rate = SIZES[model]
        rate *= batch / (batch + 6) * 70 / 64 * (50 if device == "cuda" else 1)
        rate *= 1.4 if precision == "bf16" else 1.0
        spent = 1000 * batch / rate
        split = {"data": 0.01, "discriminator": 0.45, "generator": 0.4, "optimizer": 0.09}
        split |= {"penalties": 0.0 if model == "dcgan" else 0.2, "other": 0.01}
        whole = sum(split.values())
        case = {
            "model": model,
            "tricks": ["gradient-penalty:weight=10"] if model == "wgan-gp" else [],
            "dataset": "mnist5k@32",
            "batch_size": batch,
            "device": device,
            "device_name": NAMES[device],
            "precision": precision,
            "memory_format": "channels_last",
            "compile": False,
            "threads": 2,
            "settings": [],
            "status": "ok",
            "problem": "",
            "steady": True,
            "training": {
                "images_per_second": rate,
                "rounds": [rate * share for share in (0.985, 0.997, 1.0, 1.002, 1.013)],
            },
            "sampling": {
                "images_per_second": 4 * rate,
                "rounds": [3.9 * rate, 4 * rate, 4.2 * rate],
            },
            "latency_ms": {"p50": 900 / rate, "p90": 1100 / rate, "p99": 2000 / rate, "count": 100},
            "split_ms": {part: spent * share / whole for part, share in split.items()},
            "parameters": {"generator": 1_486_352, "discriminator": 533_505},
            "gflop_per_image": {"training": gflop, "sampling": gflop / 7},
            "gflops": gflop * rate,
            "share_of_ceiling": gflop * rate / (PEAKS[precision] * (50 if device == "cuda" else 1)),
            "memory_mib": {
                "resident": 812.0,
                "growth": 210.0,
                "allocated": None,
                "reserved": None,
            },
            "startup_seconds": {"import": 3.1, "build": 0.2, "first_step": 0.3, "total": 3.6},
        }
        if device == "cuda":
            case["memory_mib"] = {"allocated": 1200.0, "reserved": 1536.0}
        return {**case, **changes}

    def failed(self, model: str, batch: int, problem: str, **changes: Any) -> dict[str, Any]:
        whole = self.case(model, batch, **changes)
        return {**{key: whole[key] for key in CASE_KEY}, "status": "failed", "problem": problem}

    def document(
        self, cases: list[dict[str, Any]], device: str = "cpu", **changes: Any
    ) -> dict[str, Any]:
        factor = 50 if device == "cuda" else 1
        return {
            "schema": 1,
            "ganbench": "0.1.0",
            "command": "ganbench throughput vanilla dcgan --out /home/someone/speed",
            "environment": self.environment(device),
            "protocol": {"rounds": 5, "seconds": 1.0, "latencies": 100},
            "ceilings": [
                {
                    "device": device,
                    "precision": precision,
                    "threads": 2,
                    "gflops": peak * factor,
                    "by": "convolution 1x1",
                }
                for precision, peak in PEAKS.items()
                if precision in {case["precision"] for case in cases}
            ],
            "cases": cases,
            **changes,
        }

    def documents(self) -> list[dict[str, Any]]:
        """Return a document of a processor, with a case unsteady and one failed, and of a GPU."""
        problem = "torch.compile cannot differentiate twice."
        on_cpu = [self.case(model, batch) for model in SIZES for batch in (16, 64, 256)]
        on_cpu += [self.case("dcgan", batch, precision="bf16") for batch in (16, 64, 256)]
        on_cpu += [self.case("dcgan", 64, compile=True, steady=False, share_of_ceiling=0.97)]
        on_cpu += [self.failed("wgan-gp", 64, problem, compile=True)]
        on_gpu = [self.case(model, batch, device="cuda") for model in SIZES for batch in (64, 512)]
        return [self.document(on_cpu), self.document(on_gpu, "cuda")]

    @staticmethod
    def folder(place: Path, documents: list[dict[str, Any]]) -> Path:
        for document in documents:
            write_speeds(place, document)
        return place

    def gathered(self, place: Path, *documents: dict[str, Any]) -> Speed:
        section = speed(find_speeds(self.folder(place, list(documents))))
        assert section is not None
        return section

    @staticmethod
    def report(place: Path, out: Path) -> ReportFiles:
        return write_report([], out, title="How fast", speeds=list(find_speeds(place)))


@pytest.fixture(scope="session")
def made_up() -> MadeUp:
    """Build measurements: ``made_up.case("dcgan", 64)``."""
    return MadeUp()


@pytest.fixture(scope="session")
def speed_report(made_up: MadeUp, tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    """The report of ``made_up.documents()``."""
    place = tmp_path_factory.mktemp("speeds")
    return made_up.report(made_up.folder(place / "runs", made_up.documents()), place / "out")
