"""ONNX graphs as models."""
