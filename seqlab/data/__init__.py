"""Tables of a user's own: CSV and its kin, JSON lines, NumPy's arrays, Parquet."""

from seqlab.data.table import Columns, Table, absolute, read_table

__all__ = ["Columns", "Table", "absolute", "read_table"]
