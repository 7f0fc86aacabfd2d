from programmes.results.admin import figures, measures, returns

__all__ = ["figures", "measures", "returns"]
