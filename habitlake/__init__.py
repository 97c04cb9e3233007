"""The shared vocabulary of habitlake: settings, contracts, tables, clock, ids, errors and logs.

Importing this package loads no engine (no pyspark, deltalake, airflow, feast, mlflow); a test holds it to that.
"""

__version__ = "0.1.0"
