"""Tables of a user's own: CSV and its kin, JSON lines, NumPy's arrays, Parquet; and plain lines."""

from seqlab.data.plain import is_table, plain_lines
from seqlab.data.table import Columns, Table, absolute, read_table

__all__ = ["Columns", "Table", "absolute", "is_table", "plain_lines", "read_table"]
