"""Ops: results of the gates, and the health of the models in force."""

from habitlake.tables.base import BATCH_DATE, Column, Table

GATE_RESULTS = Table(
    name="ops.gate_results",
    grain="one row per night, gate, table and expectation",
    key=("batch_date", "gate", "table_name", "expectation"),
    columns=(
        BATCH_DATE,
        Column("gate", "string", "silver, gold or queue"),
        Column("table_name", "string", "table checked"),
        Column("expectation", "string", "name of the expectation with its column"),
        Column("severity", "string", "fail stops the night, warn is shown"),
        Column("success", "boolean", "whether it held"),
        Column("observed", "string", "observed value as JSON"),
        Column("unexpected_count", "bigint", "rows that broke it"),
        Column("row_count", "bigint", "rows checked"),
        Column("sample", "string", "JSON list of a few unexpected values"),
    ),
    user_column=None,
)

MODEL_HEALTH = Table(
    name="ops.model_health",
    grain="one row per night, model and figure: what it reads tonight against the night of its training, on Sundays what became true",
    key=("batch_date", "model", "role", "figure"),
    columns=(
        BATCH_DATE,
        Column("model", "string", "registered model name"),
        Column("role", "string", "champion, or challenger (scored in shadow: outcomes alone, never an alarm)"),
        Column("model_version", "string", "version that scored the night"),
        Column(
            "figure",
            "string",
            "drift (population stability index beyond chance), missing (share of people without a value, above that of"
            " the training), or accuracy, auc, ece, mae of predictions whose outcome became known in the last 30 days;"
            " newest_accuracy, newest_mae of the newest night of these alone",
        ),
        Column("feature", "string", "the feature that drifted most, or went missing most; null for outcomes"),
        Column("value", "double", "the figure"),
        Column(
            "baseline",
            "double",
            "the same figure on the held-out rows on which the version was promoted; of a challenger the champion's on the"
            " same predictions",
        ),
        Column("people", "bigint", "people it rests on, at most 20,000"),
        Column(
            "alarm",
            "boolean",
            "asks for retraining: drift above 0.3, or accuracy below 0.95 of its baseline (an error above it over 0.95), by"
            " 3.3 standard errors at least",
        ),
    ),
    user_column=None,
)

OPS_TABLES = (GATE_RESULTS, MODEL_HEALTH)
