"""Trained networks that leave the house: as a file of plain PyTorch, or as ONNX."""

from seqlab.exporting.folder import FORMS, Exported, export_network

__all__ = ["FORMS", "Exported", "export_network"]
