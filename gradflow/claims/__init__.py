"""The source documents' claims: functions that return evidence and a verdict."""
