# SPDX-License-Identifier: MIT
"""Trained generators as files for others: ONNX, TorchScript, safetensors, a folder for the Hub."""
