from programmes.admin import approaches, assessments, files, initiatives, page_content, stories, synonyms

__all__ = ["approaches", "assessments", "files", "initiatives", "page_content", "stories", "synonyms"]
