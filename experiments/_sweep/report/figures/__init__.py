"""The figures of a report, drawn by plotly from what the analysis gives."""
